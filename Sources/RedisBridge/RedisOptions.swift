public import Bytes
public import WSLoop

/// Everything that can be set about the bridge besides where Redis is; the defaults are those of the command line.
public struct RedisOptions: Sendable {
    /// The trusted authorities and own certificate for links to Redis, if they use TLS.
    public var tls: TLSContext?
    /// The prefix of channel names in Redis.
    public var prefix = "push:"
    /// Redis channels that map to a channel by name.
    public var aliases: [(redis: String, channel: String)] = [("global_channel", "global")]
    /// Channels whose messages are always received from Redis, with or without subscribers.
    public var patterns: [Wildcard] = []
    /// The bridge's timeouts.
    public var timing = RedisTiming()

    /// The defaults.
    public init() {}

    /// Which Redis channel is which channel.
    public var channels: RedisChannelMap { RedisChannelMap(prefix: prefix, aliases: aliases, patterns: patterns) }
}
