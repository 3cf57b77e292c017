import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

@Suite(.serialized)
struct PatternTests {
    private func run(
        prefix: String = "push:", aliases: [(redis: String, channel: String)] = [], _ patterns: [String],
        _ body: (Harness, RedisClient) throws -> Void
    ) throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        let map = RedisChannelMap(prefix: prefix, aliases: aliases, patterns: patterns.map { Wildcard($0) })
        let harness = try Harness(server.url, channels: map)
        defer { harness.close() }
        harness.bridge.start()
        try harness.waitUntilUsable()
        try body(harness, client)
    }

    @Test func messagesComeWithoutSubscribersAndOnlyOnce() throws {
        try run(["news.*", "*.sport"]) { harness, client in
            try harness.wait(for: "patterns") { try client.command("PUBSUB", "NUMPAT") == .integer(2) }
            #expect(try client.publish([1], to: "push:news.sport") == 2, "Redis sends it for each pattern")
            #expect(try client.publish([2], to: "push:other") == 0)
            #expect(try client.publish([3], to: "push:news.x") == 1)
            try harness.wait(for: "messages") { harness.recorder.messages.last?.payload == [3] }
            #expect(harness.recorder.messages.map(\.channel) == ["news.sport", "news.x"])
        }
    }

    @Test func aCoveredChannelIsConfirmedWithoutASubscriptionOfItsOwn() throws {
        try run(["news.*"]) { harness, client in
            try harness.subscribe("news.a")
            #expect(try client.subscribers(of: "push:news.a") == 0)
            #expect(harness.bridge.status.subscribedChannels == 1)
            #expect(harness.bridge.subscribe("news.b"), "the pattern is confirmed by now")
            try harness.subscribe("other")
            #expect(try client.subscribers(of: "push:other") == 1)
        }
    }

    @Test func whatAnAliasBringsDoesNotComeTwice() throws {
        try run(aliases: [("push:news.old", "news.new"), ("elsewhere", "news.new")], ["news.*"]) { harness, client in
            try harness.subscribe("news.new")
            for (payload, name) in [(1, "push:news.old"), (2, "elsewhere"), (3, "push:news.new")] as [(UInt8, String)] {
                _ = try client.publish([payload], to: name)
            }
            try harness.wait(for: "messages") { harness.recorder.messages.last?.payload == [3] }
            #expect(harness.recorder.messages.map(\.payload) == [[1], [2], [3]])
            #expect(harness.recorder.messages.allSatisfy { $0.channel == "news.new" })
        }
    }

    @Test func whatIsSpecialToRedisIsNotSpecialHere() throws {
        try run(prefix: "p*[a]?:", ["a?[b]\\*"]) { harness, client in
            try harness.wait(for: "the pattern") { try client.command("PUBSUB", "NUMPAT") == .integer(1) }
            for name in ["pX[a]?:a?[b]\\", "p*[a]?:axb\\", "p*[a]?:a?[b]\\end"] {
                _ = try client.publish([1], to: name)
            }
            try harness.wait(for: "a message") { harness.recorder.messages.count == 1 }
            #expect(harness.recorder.messages[0].channel == "a?[b]\\end")
        }
    }

    @Test func nameThatAreNoChannelsAreCountedAndToldOnce() throws {
        try run(["*"]) { harness, client in
            try harness.wait(for: "the pattern") { try client.command("PUBSUB", "NUMPAT") == .integer(1) }
            let bad = Array("push:".utf8) + [0xFF]
            for _ in 0..<3 { _ = try client.command([Array("PUBLISH".utf8), bad, [1]]) }
            _ = try client.publish([2], to: "push:a")
            try harness.wait(for: "the good one") { harness.recorder.messages.count == 1 }
            #expect(harness.bridge.status.ignoredMessages == 3)
            #expect(harness.recorder.ignored.count == 1)
        }
    }

    @Test func anOutageOfAPatternIsAGapOfItsChannels() throws {
        try run(["news.*"]) { harness, client in
            try harness.subscribe("news.a")
            #expect(try client.command("CLIENT", "KILL", "TYPE", "pubsub") == .integer(1))
            try harness.wait(for: "a gap") { harness.recorder.gaps.map(\.channel) == ["news.a"] }
            #expect(harness.bridge.isConfirmed("news.a"))
        }
    }
}
