internal import Bytes

/// Which Redis channel is which channel here.
///
/// A Redis channel belongs to one channel: by its alias, else by the prefix. `redisChannels(for:)` is the exact inverse.
public struct RedisChannelMap: Sendable {
    private struct Alias: Sendable {
        let redis: ByteName
        let channel: ByteName
    }

    private let prefix: String
    private let aliases: [Alias]

    /// Maps `prefix` + name to the channel of that name, and each alias to its channel.
    ///
    /// Of two aliases of one Redis channel the first counts.
    public init(prefix: String, aliases: [(redis: String, channel: String)]) {
        self.prefix = prefix
        var known: [Alias] = []
        for alias in aliases {
            let redis = ByteName(alias.redis)
            guard !known.contains(where: { $0.redis == redis }) else { continue }
            known.append(Alias(redis: redis, channel: ByteName(alias.channel)))
        }
        self.aliases = known
    }

    /// The channel that a Redis channel belongs to; nil if it is none of ours or its name is not UTF-8.
    public func channel(forRedis name: RawSpan) -> String? {
        for alias in aliases where alias.redis.hasBytes(name) {
            return alias.channel.text
        }
        let prefixBytes = unsafe prefix.utf8.span.bytes
        guard name.byteCount > prefixBytes.byteCount,
            name.extracting(first: prefixBytes.byteCount).hasSameBytes(as: prefixBytes)
        else { return nil }
        return name.extracting(droppingFirst: prefixBytes.byteCount).text
    }

    /// The Redis channels whose messages belong to `channel`.
    public func redisChannels(for channel: String) -> [String] {
        let own = ByteName(prefix + channel)
        let name = ByteName(channel)
        var names = aliases.contains { $0.redis == own } ? [] : [own.text]
        for alias in aliases where alias.channel == name { names.append(alias.redis.text) }
        return names
    }

    /// The Redis channel that messages for `channel` are published to.
    public func publishTarget(for channel: String) -> String {
        prefix + channel
    }
}
