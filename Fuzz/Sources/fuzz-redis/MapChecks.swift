import Bytes
import Channels
import FuzzSupport

@testable import RedisBridge

/// The map leads from every Redis channel to its channel and back, and the other way round.
///
/// The first line is the prefix, lines with `=` are aliases, and all lines are names.
func checkMap(_ lines: [[UInt8]]) {
    let texts = lines.map { String(decoding: $0, as: UTF8.self) }
    let aliases = texts.dropFirst().compactMap { alias(in: $0) }
    let map = RedisChannelMap(prefix: texts[0], aliases: aliases)
    for redis in lines + aliases.map({ Array($0.redis.utf8) }) + lines.map({ lines[0] + $0 }) {
        guard let channel = map.channel(forRedis: redis.rawSpan) else { continue }
        let count = map.redisChannels(for: channel).count { $0.utf8.elementsEqual(redis) }
        expectEqual(count, 1, "how often \(redis) is among the Redis channels of \(channel)")
    }
    for channel in texts + aliases.map(\.channel) where ChannelName.isValid(channel) {
        let names = map.redisChannels(for: channel)
        for name in names {
            let back = map.channel(forRedis: Array(name.utf8).rawSpan)
            expectEqual(back.map { Array($0.utf8) }, Array(channel.utf8), "the channel of \(name)")
        }
        let target = map.publishTarget(for: channel)
        let isAlias = aliases.contains { $0.redis.utf8.elementsEqual(target.utf8) }
        expect(isAlias || names.contains { $0.utf8.elementsEqual(target.utf8) }, "what is published does not come back")
    }
}

/// A channel that a pattern covers arrives through it exactly once, and is not also subscribed by name.
func checkPatterns(_ lines: [[UInt8]]) {
    let texts = lines.map { String(decoding: $0, as: UTF8.self) }
    let patterns = texts.dropFirst().map { Wildcard($0) }
    let map = RedisChannelMap(prefix: texts[0], aliases: [], patterns: patterns)
    let names = ChannelNames(map: map)
    for channel in texts where ChannelName.isValid(channel) {
        guard !channel.isWildcard else {
            let name = map.wildcard(forRedisPattern: map.redisPattern(for: channel)) ?? ""
            expectEqual(Array(name.utf8), Array(channel.utf8), "the wildcard of a pattern")
            continue
        }
        let isCovered = patterns.contains { naiveMatch(Array($0.text.utf8)[...], Array(channel.utf8)[...]) }
        expectEqual(names.areCovered(channel), isCovered, "\(channel) covered")
        expectEqual(names.redisChannels(for: channel).isEmpty, isCovered, "names of \(channel)")
        let redis = Array(map.publishTarget(for: channel).utf8)
        let matches = Set(map.redisPatterns.map { Array($0.utf8) }).count { pattern in
            map.channel(forRedis: redis.rawSpan, byPattern: pattern.rawSpan) == .channel(channel)
        }
        expectEqual(matches, isCovered ? 1 : 0, "how often \(channel) comes")
    }
}

private func naiveMatch(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    guard first == UInt8(ascii: "*") else {
        return name.first == first && naiveMatch(pattern.dropFirst(), name.dropFirst())
    }
    return (name.startIndex...name.endIndex).contains { naiveMatch(pattern.dropFirst(), name[$0...]) }
}

private func alias(in line: String) -> (redis: String, channel: String)? {
    guard let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    return (String(line[..<equals]), String(line[line.utf8.index(after: equals)...]))
}

/// Unicode's own definition decides what a control character is.
func checkName(_ name: String) {
    let hasControls = name.unicodeScalars.contains { $0.properties.generalCategory == .control }
    expectEqual(ChannelName.isValid(name), (1...255).contains(name.utf8.count) && !hasControls, "\(name) as a name")
}
