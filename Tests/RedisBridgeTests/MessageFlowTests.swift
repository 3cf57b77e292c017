import Broker
import Bytes
import TestSupport
import Testing

@testable import RedisBridge

@Suite(.serialized)
struct MessageFlowTests {
    private let server: RedisServer

    init() throws { server = try RedisServer() }

    @Test func payloadsArriveVerbatimAndInOrder() throws {
        let client = try RedisClient(port: server.port)
        let payloads: [[UInt8]] = [
            Array("hello".utf8), [], [0, 13, 10, 255, 0], Array("$5\r\n".utf8), Array("é".utf8),
            (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) },
        ]
        try Harness.run(server.url) { harness in
            try harness.subscribe("news")
            for payload in payloads { #expect(try client.publish(payload, to: "push:news") == 1) }
            try harness.wait(for: "messages") { harness.recorder.messages.count == payloads.count }
            #expect(harness.recorder.messages.map(\.payload) == payloads)
            #expect(harness.recorder.messages.allSatisfy { $0.channel == "news" })
        }
    }

    @Test(arguments: ["$5\r\nhello", "a b", "\u{1}\"%*", "é", "e\u{301}", String(repeating: "n", count: 255)])
    func channelNamesAreBinarySafe(channel: String) throws {
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.subscribe(channel)
            #expect(try client.publish([1], to: "push:" + channel) == 1)
            try harness.wait(for: "message") { !harness.recorder.messages.isEmpty }
            #expect(Array(harness.recorder.messages[0].channel.utf8) == Array(channel.utf8))
        }
    }

    @Test func anAliasLeadsToItsChannel() throws {
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url, aliases: [("global_channel", "global")]) { harness in
            try harness.subscribe("global")
            #expect(try client.publish([1], to: "global_channel") == 1)
            #expect(try client.publish([2], to: "push:global") == 1)
            #expect(try client.publish([3], to: "push:global_channel") == 0)
            try harness.wait(for: "messages") { harness.recorder.messages.count == 2 }
            #expect(harness.recorder.messages.map(\.channel) == ["global", "global"])
            #expect(harness.recorder.messages.map(\.payload) == [[1], [2]])
        }
    }

    @Test func nothingPublishedAfterTheConfirmationIsMissed() throws {
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url, aliases: [("global_channel", "c7")]) { harness in
            try harness.waitUntilUsable()
            harness.recorder.onSettled = { channel in
                // Inside the call that confirms, which is the hardest moment.
                let target = channel == "c7" ? "global_channel" : "push:" + channel
                #expect((try? client.publish(Array(channel.utf8), to: target)) == 1)
            }
            for index in 0..<100 { #expect(!harness.bridge.subscribe("c\(index)")) }
            try harness.wait(for: "100 messages") { harness.recorder.messages.count == 100 }
            for message in harness.recorder.messages { #expect(message.payload == Array(message.channel.utf8)) }
            #expect(Set(harness.recorder.settled).count == 100)
            #expect(harness.recorder.settled.count == 100)
            #expect(harness.bridge.subscribe("c0"))
            #expect(harness.bridge.status.subscribedChannels == 100)
        }
    }

    @Test func manyChannelsAreSubscribedInFewCommands() throws {
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            for index in 0..<10_000 { _ = harness.bridge.subscribe("c\(index)") }
            try harness.wait(for: "subscriptions") { harness.bridge.status.subscribedChannels == 10_000 }
            guard case .text(let info) = try client.command("INFO", "commandstats") else { return }
            // The probe's command and 20 batches of 500.
            #expect(info.contains("cmdstat_subscribe:calls=21,"))
            #expect(try client.publish([9], to: "push:c9999") == 1)
            try harness.wait(for: "message") { !harness.recorder.messages.isEmpty }
        }
    }

    @Test func anUnwantedChannelIsLeftAfterAWhile() throws {
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            try harness.subscribe("b")
            harness.bridge.unsubscribe("a")
            harness.bridge.unsubscribe("b")
            // Within the delay it is still confirmed.
            #expect(harness.bridge.subscribe("b"))
            #expect(try client.subscribers(of: "push:a") == 1)
            try harness.wait(for: "UNSUBSCRIBE") { try client.subscribers(of: "push:a") == 0 }
            #expect(try client.subscribers(of: "push:b") == 1)
            #expect(harness.bridge.status.subscribedChannels == 1)
            try harness.subscribe("a")
            #expect(try client.publish([1], to: "push:a") == 1)
        }
    }

    @Test func messagesOnForeignChannelsAreCounted() throws {
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            // A name that is not UTF-8 cannot be subscribed by name, so the link is used directly.
            harness.bridge.shards[0].subscriber.link.send(RedisCommand("SUBSCRIBE", [[0xFF, 0xFE]]))
            try harness.wait(for: "a message on it") {
                _ = try client.command([Array("PUBLISH".utf8), [0xFF, 0xFE], [1]])
                return harness.bridge.status.ignoredMessages > 0
            }
            #expect(harness.recorder.messages.isEmpty)
        }
    }

    @Test func thePrefixKeepsTwoApplicationsApart() throws {
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            #expect(try client.publish([1], to: "a") == 0)
            #expect(try client.publish([1], to: "other:a") == 0)
        }
    }
}
