import Bytes
import Testing

@testable import RedisBridge

struct RedisChannelMapTests {
    private let map = RedisChannelMap(
        prefix: "push:", aliases: [("global_channel", "global"), ("push:moved", "there")])

    private func channel(_ map: RedisChannelMap, _ name: String) -> String? {
        let bytes = Array(name.utf8)
        return map.channel(forRedis: bytes.rawSpan)
    }

    @Test(arguments: [
        ("push:news", "news"), ("push:push:x", "push:x"), ("push:é", "é"), ("global_channel", "global"),
        ("push:moved", "there"), ("push:global_channel", "global_channel"), ("push:", nil), ("push", nil), ("", nil),
        ("news", nil), ("Push:news", nil), ("global_channel2", nil), ("global_channe", nil), ("xpush:news", nil),
    ])
    func mapsFromRedis(name: String, expected: String?) {
        #expect(channel(map, name) == expected)
    }

    @Test func namesThatAreNotUTF8AreNoChannel() {
        let bytes = Array("push:".utf8) + [0xFF]
        #expect(map.channel(forRedis: bytes.rawSpan) == nil)
    }

    @Test func mapsToRedis() {
        #expect(map.redisChannels(for: "news") == ["push:news"])
        #expect(map.redisChannels(for: "global") == ["push:global", "global_channel"])
        #expect(map.redisChannels(for: "there") == ["push:there", "push:moved"])
        #expect(map.redisChannels(for: "moved") == [])
        #expect(map.publishTarget(for: "global") == "push:global")
    }

    @Test func theFirstAliasOfAChannelCounts() {
        let map = RedisChannelMap(prefix: "", aliases: [("a", "x"), ("a", "y"), ("b", "x")])
        #expect(channel(map, "a") == "x")
        #expect(map.redisChannels(for: "x") == ["x", "a", "b"])
        #expect(map.redisChannels(for: "y") == ["y"])
        #expect(channel(map, "anything") == "anything")
    }

    @Test func namesAreComparedByteForByte() {
        // "é" as one scalar and as two: equal as Swift strings, but two channels in Redis.
        let map = RedisChannelMap(prefix: "p:", aliases: [("\u{E9}", "one")])
        #expect(channel(map, "\u{E9}") == "one")
        #expect(channel(map, "e\u{301}") == nil)
        #expect(map.redisChannels(for: "one") == ["p:one", "\u{E9}"])
    }

    /// No valid name of a channel leads to the nodes' channel, whatever the prefix.
    @Test(arguments: ["push:", "", "pushd:", "pushd:nodes:", "pushd:nodes:\u{1}", "p\u{1}"])
    func theNodesChannelIsNoChannels(prefix: String) {
        let map = RedisChannelMap(prefix: prefix, aliases: [])
        let name = map.nodeChannel
        #expect(name.hasPrefix("pushd:nodes:") && name.utf8.last == 1)
        if let channel = channel(map, name) { #expect(channel.utf8.last == 1, "not a valid name: \(channel)") }
        #expect(map.nodeChannel != RedisChannelMap(prefix: prefix + "x", aliases: []).nodeChannel)
    }

    @Test func theTwoDirectionsAreInverse() {
        let names = ["global", "global_channel", "there", "moved", "push:moved", "a", "push:a", "push:"]
        for name in names {
            for redis in map.redisChannels(for: name) { #expect(channel(map, redis) == name) }
        }
        for redis in names + names.map({ "push:" + $0 }) {
            guard let owner = channel(map, redis) else { continue }
            #expect(map.redisChannels(for: owner).contains(redis))
        }
    }
}
