import Bytes
import Channels
import FuzzSupport
import RedisBridge

/// The map leads from every Redis channel to its channel and back, and the other way round.
///
/// The first line is the prefix, those with `=` are aliases, and all of them are names.
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

private func alias(in line: String) -> (redis: String, channel: String)? {
    guard let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    return (String(line[..<equals]), String(line[line.utf8.index(after: equals)...]))
}

/// Unicode's own word on what a control character is.
func checkName(_ name: String) {
    let hasControls = name.unicodeScalars.contains { $0.properties.generalCategory == .control }
    expectEqual(ChannelName.isValid(name), (1...255).contains(name.utf8.count) && !hasControls, "\(name) as a name")
}
