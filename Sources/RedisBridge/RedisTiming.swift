/// The bridge's periods, in milliseconds of the loop's clock.
public struct RedisTiming: Sendable, Equatable {
    /// How long connecting and the first replies may take, for each address of the host.
    public var attemptMilliseconds: UInt64 = 1000
    /// The largest delay before the first new attempt; it doubles with each failure.
    public var firstBackoffMilliseconds: UInt64 = 100
    /// The largest delay before any attempt.
    public var lastBackoffMilliseconds: UInt64 = 5000
    /// How long a client waits for Redis to confirm its channel.
    public var confirmMilliseconds: UInt64 = 1000
    /// How long a channel without subscribers is kept.
    public var lingerMilliseconds: UInt64 = 1000
    /// The time between two probes, and the time one has to come back.
    public var probeMilliseconds: UInt64 = 5000

    /// The defaults, which documentation names.
    public init() {}
}
