/// The bridge's periods, in milliseconds of the loop's clock.
public struct RedisTiming: Sendable, Equatable {
    /// The time for connecting and the first replies, for each address of the host.
    public var connectMilliseconds: UInt64 = 1000
    /// How long a connection may be silent before it is re-established.
    ///
    /// A sixth of it is the time between two probes, and also the time in which a probe must come back. So a silence is
    /// noticed after a third of it at the latest.
    public var silenceMilliseconds: UInt64 = 15_000
    /// The longest delay before the first new attempt; it doubles with each failure.
    public var firstBackoffMilliseconds: UInt64 = 100
    /// The longest delay before any attempt.
    public var lastBackoffMilliseconds: UInt64 = 5000
    /// The longest delay after an attempt that cost Redis almost nothing: connection refused, or Redis is loading its
    /// data.
    public var cheapBackoffMilliseconds: UInt64 = 500
    /// How long a client waits for Redis to confirm its channel.
    public var confirmMilliseconds: UInt64 = 1000
    /// How long a channel without subscribers stays subscribed in Redis.
    public var lingerMilliseconds: UInt64 = 1000
    /// How long a message to publish waits for a lost Redis.
    public var publishMilliseconds: UInt64 = 2000

    /// How long a publisher waits for Redis' reply; the message may still be delivered later.
    public var answerMilliseconds: UInt64 = 5000

    /// How long a client waits for a history that this node has not read yet: without it, nothing could be recovered.
    public var historyMilliseconds: UInt64 = 5000
    /// In this time each channel with a history is read again, in case its last message was lost.
    public var checkMilliseconds: UInt64 = 300_000

    /// The defaults, as documented.
    public init() {}

    /// The time between two probes, and the time in which one must come back.
    var probeMilliseconds: UInt64 { max(silenceMilliseconds / 6, 1) }
}
