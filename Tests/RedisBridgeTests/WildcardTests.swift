import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

@Suite(.serialized)
struct WildcardTests {
    private static let quick = RedisChannelMap(
        prefix: "p*:", aliases: [("elsewhere", "a.b")], patterns: [Wildcard("c.*")])

    private func ledger(confirmed channels: String...) -> SubscriptionLedger {
        var ledger = SubscriptionLedger(
            names: ChannelNames(map: Self.quick), confirmMilliseconds: 1000, lingerMilliseconds: 500)
        ledger.linkReady(at: 0)
        for channel in channels {
            _ = ledger.subscribe(channel, at: 0)
            _ = ledger.takeCommands()
            while !ledger.isConfirmed(channel) { _ = ledger.confirmOne(of: channel, at: 0) }
        }
        return ledger
    }

    private func match(_ ledger: SubscriptionLedger, _ name: String, by pattern: String) -> RedisChannelMap.PatternMatch
    {
        ledger.channel(forRedis: Array(name.utf8).rawSpan, byPattern: Array(pattern.utf8).rawSpan)
    }

    private func comesByWildcard(_ ledger: SubscriptionLedger, _ channel: String, _ name: String) -> Bool {
        ledger.comesByWildcard(channel, named: Array(name.utf8).rawSpan)
    }

    @Test(arguments: ["a.*", "*", "a[?].*", "é\\.*"]) func aPatternNamesItsWildcard(wildcard: String) {
        let pattern = Self.quick.redisPattern(for: wildcard)
        #expect(Self.quick.wildcard(forRedisPattern: pattern) == wildcard)
        #expect(Self.quick.wildcard(forRedisPattern: "x" + pattern) == nil)
    }

    @Test func wildcardsHaveCommandsOfTheirOwn() {
        var ledger = ledger()
        #expect(ledger.subscribe("a.*", at: 0) == false)
        #expect(ledger.subscribe("a.b", at: 0) == false)
        #expect(
            ledger.takeCommands() == [
                SubscriptionCommand(.subscribe, ["p*:a.b", "elsewhere"]),
                SubscriptionCommand(.subscribeWildcards, ["p\\*:a.*"]),
            ])
        #expect(ledger.confirmOne(of: "a.*", at: 0)?.isSettled == true)
        ledger.unsubscribe("a.*", at: 0)
        #expect(ledger.advance(to: 500) == [])
        #expect(ledger.takeCommands() == [SubscriptionCommand(.unsubscribeWildcards, ["p\\*:a.*"])])
    }

    /// Redis sends a message by each subscription; one of these ways counts.
    @Test func aMessageCountsInOneWay() {
        var ledger = ledger(confirmed: "a.*", "a.x.*")
        #expect(match(ledger, "p*:a.b", by: "p\\*:a.*") == .channel("a.b"))
        #expect(comesByWildcard(ledger, "a.b", "p*:a.b"), "another of its names is not confirmed")
        #expect(!comesByWildcard(ledger, "a.b", "elsewhere"), "by an alias")
        #expect(match(ledger, "p*:a.x.y", by: "p\\*:a.*") == .comesOtherwise)
        #expect(match(ledger, "p*:a.x.y", by: "p\\*:a.x.*") == .channel("a.x.y"), "the longest")
        #expect(match(ledger, "p*:b", by: "p\\*:a.*") == .comesOtherwise, "of no wildcard")
        #expect(match(ledger, "p*:a.*", by: "p\\*:a.*") == .channel("a.*"), "a channel with that name")
        _ = ledger.subscribe("a.b", at: 0)
        _ = ledger.takeCommands()
        _ = ledger.confirmOne(of: "a.b", at: 0)
        #expect(match(ledger, "p*:a.b", by: "p\\*:a.*") == .channel("a.b"), "one of two names is confirmed")
        _ = ledger.confirmOne(of: "a.b", at: 0)
        #expect(match(ledger, "p*:a.b", by: "p\\*:a.*") == .comesOtherwise)
        #expect(!comesByWildcard(ledger, "a.b", "p*:a.b"))
        ledger.unsubscribe("a.b", at: 0)
        _ = ledger.advance(to: 500)
        _ = ledger.takeCommands()
        #expect(match(ledger, "p*:a.b", by: "p\\*:a.*") == .comesOtherwise, "Redis has not ended it")
        ledger.ended(redisChannel: "p*:a.b")
        #expect(match(ledger, "p*:a.b", by: "p\\*:a.*") == .channel("a.b"))
        ledger.unsubscribe("a.*", at: 500)
        _ = ledger.advance(to: 1000)
        _ = ledger.takeCommands()
        #expect(match(ledger, "p*:a.b", by: "p\\*:a.*") == .channel("a.b"))
        ledger.ended(wildcard: "a.*")
        #expect(match(ledger, "p*:a.b", by: "p\\*:a.*") == .comesOtherwise)
    }

    @Test func aPatternOfTheConfigurationComesFirst() {
        var ledger = ledger(confirmed: "*")
        #expect(ledger.subscribe("c.d.*", at: 0) == false, "the pattern is not confirmed yet")
        #expect(ledger.takeCommands() == [], "it needs none of its own")
        #expect(ledger.patternsConfirmed(at: 0).map(\.channel) == ["c.d.*"])
        #expect(match(ledger, "p*:c.d", by: "p\\*:*") == .comesOtherwise)
        #expect(match(ledger, "p*:c.d", by: "p\\*:c.*") == .channel("c.d"))
        #expect(match(ledger, "p*:e", by: "p\\*:*") == .channel("e"))
    }

    /// Subscriptions come and go while messages are published: each comes once, in order.
    @Test func noMessageIsMissedOrComesTwice() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            try harness.subscribe("n.*")
            var random = SeededGenerator(seed: 1)
            for number in 0..<1500 {
                switch Int.random(in: 0..<8, using: &random) {
                case 0: _ = harness.bridge.subscribe("n.a")
                case 1: harness.bridge.unsubscribe("n.a")
                case 2: _ = harness.bridge.subscribe("n.a.*")
                case 3: harness.bridge.unsubscribe("n.a.*")
                default: break
                }
                _ = try client.publish(Array("\(number)".utf8), to: "push:n.a.b")
                _ = try client.publish(Array("\(number)".utf8), to: "push:n.a")
                harness.loop.turn()
            }
            for channel in ["n.a", "n.a.b"] {
                let expected = (0..<1500).map { Array("\($0)".utf8) }
                try harness.wait(for: "all of \(channel)") {
                    harness.recorder.messages.last { $0.channel == channel }?.payload == expected.last
                }
                let received = harness.recorder.messages.filter { $0.channel == channel }.map(\.payload)
                #expect(received == expected)
            }
            harness.bridge.unsubscribe("n.*")
            for name in ["n.a", "n.a.*"] { harness.bridge.unsubscribe(name) }
            try harness.wait(for: "no patterns") { try client.command("PUBSUB", "NUMPAT") == .integer(0) }
        }
    }
}
