/// The bridge's periods, in milliseconds of the loop's clock.
public struct RedisTiming: Sendable, Equatable {
    /// How long connecting and the first replies may take, for each address of the host.
    public var connectMilliseconds: UInt64 = 1000
    /// How long a connection may be silent before it is made anew; a sixth of it is the time between two probes, and the
    /// time that one has to come back, so that a third of it passes at most before a silence is noticed.
    public var silenceMilliseconds: UInt64 = 15_000
    /// The largest delay before the first new attempt; it doubles with each failure.
    public var firstBackoffMilliseconds: UInt64 = 100
    /// The largest delay before any attempt.
    public var lastBackoffMilliseconds: UInt64 = 5000
    /// The largest delay after an attempt that cost Redis next to nothing: nobody listened, or it still loads its data.
    public var cheapBackoffMilliseconds: UInt64 = 500
    /// How long a client waits for Redis to confirm its channel.
    public var confirmMilliseconds: UInt64 = 1000
    /// How long a channel without subscribers is kept.
    public var lingerMilliseconds: UInt64 = 1000
    /// How long a message that is to be published waits for a lost Redis.
    public var publishMilliseconds: UInt64 = 2000

    /// How long a publisher waits for Redis to answer; the message may be delivered later.
    public var answerMilliseconds: UInt64 = 5000

    /// The defaults, which documentation names.
    public init() {}

    /// The time between two probes, and the time one has to come back.
    var probeMilliseconds: UInt64 { max(silenceMilliseconds / 6, 1) }
}
