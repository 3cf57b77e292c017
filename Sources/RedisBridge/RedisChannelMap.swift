public import Bytes

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
    /// Patterns of channel names whose messages are wanted whether anybody is subscribed or not.
    let patterns: [Wildcard]
    /// The patterns as Redis reads them, each for the channels with the prefix.
    let redisPatterns: [String]

    /// Maps `prefix` + name to the channel of that name, and each alias to its channel.
    ///
    /// Of two aliases of one Redis channel the first counts.
    public init(prefix: String, aliases: [(redis: String, channel: String)], patterns: [Wildcard] = []) {
        self.prefix = prefix
        self.patterns = patterns
        redisPatterns = patterns.map {
            RedisChannelMap.glob(prefix, isPattern: false) + RedisChannelMap.glob($0.text, isPattern: true)
        }
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
        return channel(behindPrefix: name)
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

    private func channel(behindPrefix name: RawSpan) -> String? {
        let prefixBytes = unsafe prefix.utf8.span.bytes
        guard name.byteCount > prefixBytes.byteCount,
            name.extracting(first: prefixBytes.byteCount).hasSameBytes(as: prefixBytes)
        else { return nil }
        return name.extracting(droppingFirst: prefixBytes.byteCount).text
    }
}

// Patterns.
extension RedisChannelMap {
    /// Whether a pattern brings the channel's messages.
    func isCovered(_ channel: String) -> Bool {
        patterns.contains { $0.matches(channel) }
    }

    /// Whether the Redis channel with the prefix belongs to another channel, by an alias.
    private func isAlias(_ name: RawSpan) -> Bool {
        aliases.contains { $0.redis.hasBytes(name) }
    }

    /// The channel of a message that came by a pattern; nil if it comes another way as well, or is no channel's.
    ///
    /// Redis sends a message once for each pattern that matches: the one for the first of them counts.
    func channel(forRedis name: RawSpan, byPattern pattern: RawSpan) -> PatternMatch {
        guard !isAlias(name) else { return .comesOtherwise }
        guard let channel = channel(behindPrefix: name) else { return .noChannel }
        guard let first = patterns.firstIndex(where: { $0.matches(channel) }) else { return .comesOtherwise }
        return ByteName(redisPatterns[first]).hasBytes(pattern) ? .channel(channel) : .comesOtherwise
    }

    enum PatternMatch: Equatable {
        case channel(String)
        case comesOtherwise
        case noChannel
    }

    /// What is special to Redis in a pattern, but `*`, stands for itself.
    private static func glob(_ text: String, isPattern: Bool) -> String {
        var glob = ""
        for character in text.unicodeScalars {
            if "?[\\".unicodeScalars.contains(character) || character == "*" && !isPattern { glob += "\\" }
            glob.unicodeScalars.append(character)
        }
        return glob
    }
}

/// The Redis names of channels, as far as one server of Redis is concerned with them.
struct ChannelNames {
    let map: RedisChannelMap
    /// The slots of the server; nil if it has all channels.
    var slots: SlotSet?

    init(map: RedisChannelMap, slots: SlotSet? = nil) {
        (self.map, self.slots) = (map, slots)
    }

    /// Whether the server has a Redis channel.
    func has(_ redisChannel: String) -> Bool {
        slots?.contains(slotOf: redisChannel) ?? true
    }

    /// The Redis channels of this server whose messages belong to `channel`.
    func redisChannels(for channel: String) -> [String] {
        let names = map.redisChannels(for: channel).filter { has($0) }
        guard areCovered(channel) else { return names }
        // What a pattern brings is not asked for as well; aliases are.
        let own = ByteName(map.publishTarget(for: channel))
        return names.filter { ByteName($0) != own }
    }

    /// Whether a pattern brings the channel's messages.
    func areCovered(_ channel: String) -> Bool {
        slots == nil && map.isCovered(channel)
    }

    /// Names for one command each: the channels of a sharded subscription must be of one slot.
    func batches(_ names: [String]) -> [[String]] {
        let size = slots == nil ? ChannelNames.namesPerCommand : 1
        return stride(from: 0, to: names.count, by: size).map { Array(names[$0..<min($0 + size, names.count)]) }
    }

    static let namesPerCommand = 500
}
