public import Bytes

/// Maps Redis channels to channels here.
///
/// A Redis channel belongs to one channel: by its alias, or else by the prefix. `redisChannels(for:)` is the exact
/// inverse.
public struct RedisChannelMap: Sendable {
    private struct Alias: Sendable {
        let redis: ByteName
        let channel: ByteName
    }

    private let prefix: String
    private let aliases: [Alias]
    /// Patterns of channel names whose messages are always received, with or without subscribers.
    let patterns: [Wildcard]
    /// The patterns in Redis' syntax, with the prefix.
    let redisPatterns: [String]

    /// Maps `prefix` + name to the channel with that name, and each alias to its channel.
    ///
    /// If a Redis channel has two aliases, the first one counts.
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

    /// The channel of a Redis channel; nil if it does not map to one or its name is not UTF-8.
    public func channel(forRedis name: RawSpan) -> String? {
        for alias in aliases where alias.redis.hasBytes(name) {
            return alias.channel.text
        }
        return channel(behindPrefix: name)
    }

    /// The Redis channels whose messages belong to `channel`, which is no wildcard.
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

    /// The keys of the census, in one slot of a cluster; nodes with another prefix have others.
    var censusKeys: [String] {
        ["leases", "counts", "names", "answers"].map { "pushd:census:{\(prefix)}:\($0)" }
    }

    /// The Redis channel on which nodes tell each other something; nodes with another prefix have another one.
    ///
    /// It is the Redis name of no channel, whatever the prefix: a channel's name does not end with a control character.
    var nodeChannel: String { "pushd:nodes:\(prefix)\u{1}" }

    /// The key that notes a publish with an id, in the slot of its channel; nobody's channel has such a name.
    func noteKey(ofID id: String, on channel: String) -> String {
        let target = publishTarget(for: channel)
        return "{\(SlotSet.tag(withSlotOf: target))}pushd:id:\(target)\u{1}\(id)"
    }

    /// The key of a channel's growing messages, in the slot of the channel; no channel can have this name.
    ///
    /// It begins with the prefix, so that the rights in Redis that the channel needs are enough for it.
    func growingKey(of channel: String) -> String {
        let target = publishTarget(for: channel)
        let tag = "{\(SlotSet.tag(withSlotOf: target))}"
        // A brace in the prefix would begin another tag.
        return prefix.contains("{") ? "\(tag)pushd:text:\(target)\u{1}" : "\(prefix)\u{1}\(tag)\(target)"
    }

    /// The key of the records that nodes keep in Redis.
    var recordsKey: String { "pushd:records:\(prefix)" }

    func channel(behindPrefix name: RawSpan) -> String? {
        let prefixBytes = unsafe prefix.utf8.span.bytes
        guard name.byteCount > prefixBytes.byteCount,
            name.extracting(first: prefixBytes.byteCount).hasSameBytes(as: prefixBytes)
        else { return nil }
        return name.extracting(droppingFirst: prefixBytes.byteCount).text
    }
}

// Patterns.
extension RedisChannelMap {
    /// Whether a pattern already delivers the messages of a channel, or of all channels of a wildcard.
    func isCovered(_ channel: String) -> Bool {
        guard let prefix = channel.wildcardPrefix else { return patterns.contains { $0.matches(channel) } }
        return patterns.contains { $0.matchesAll(beginningWith: prefix) }
    }

    /// The Redis pattern of a wildcard.
    func redisPattern(for wildcard: String) -> String {
        RedisChannelMap.glob(prefix, isPattern: false) + RedisChannelMap.glob(wildcard, isPattern: true)
    }

    /// The wildcard of a Redis pattern.
    func wildcard(forRedisPattern pattern: String) -> String? {
        let start = RedisChannelMap.glob(prefix, isPattern: false).unicodeScalars
        guard pattern.unicodeScalars.starts(with: start) else { return nil }
        var wildcard = ""
        var isEscaped = false
        for character in pattern.unicodeScalars.dropFirst(start.count) {
            isEscaped = character == "\\" && !isEscaped
            if !isEscaped { wildcard.unicodeScalars.append(character) }
        }
        return wildcard
    }

    /// Whether a Redis channel with the prefix belongs to another channel, by an alias.
    func isAlias(_ name: RawSpan) -> Bool {
        aliases.contains { $0.redis.hasBytes(name) }
    }

    /// The channel of a message that arrived by a pattern; nil if it also arrives in another way, or has no channel.
    ///
    /// Redis sends a message once for each matching pattern; only the one for the first pattern counts.
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

    /// Escapes characters that are special in Redis' patterns; in a pattern, `*` keeps its meaning.
    private static func glob(_ text: String, isPattern: Bool) -> String {
        var glob = ""
        for character in text.unicodeScalars {
            if "?[\\".unicodeScalars.contains(character) || character == "*" && !isPattern { glob += "\\" }
            glob.unicodeScalars.append(character)
        }
        return glob
    }
}

/// The Redis names of channels on one Redis server.
struct ChannelNames {
    let map: RedisChannelMap
    /// The slots of the server; nil if it has all channels.
    var slots: SlotSet?

    init(map: RedisChannelMap, slots: SlotSet? = nil) {
        (self.map, self.slots) = (map, slots)
    }

    /// Whether a Redis channel belongs to the server.
    func has(_ redisChannel: String) -> Bool {
        slots?.contains(slotOf: redisChannel) ?? true
    }

    /// The Redis channels of this server whose messages belong to `channel`; of a wildcard, its pattern.
    func redisChannels(for channel: String) -> [String] {
        guard !channel.isWildcard else { return areCovered(channel) ? [] : [map.redisPattern(for: channel)] }
        let names = map.redisChannels(for: channel).filter { has($0) }
        guard areCovered(channel) else { return names }
        // A channel that a pattern delivers is not subscribed by name; its aliases are.
        let own = ByteName(map.publishTarget(for: channel))
        return names.filter { ByteName($0) != own }
    }

    /// Whether a pattern already delivers the channel's messages.
    func areCovered(_ channel: String) -> Bool {
        slots == nil && map.isCovered(channel)
    }

    /// Splits names into one list per command; a sharded subscription must name channels of one slot.
    func batches(_ names: [String]) -> [[String]] {
        let size = slots == nil ? ChannelNames.namesPerCommand : 1
        return stride(from: 0, to: names.count, by: size).map { Array(names[$0..<min($0 + size, names.count)]) }
    }

    static let namesPerCommand = 500
}
