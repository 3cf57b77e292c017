import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

@Suite(.serialized)
struct ConnectionLossTests {
    @Test func redisMayStartAfterTheBridge() throws {
        let server = try RedisServer(started: false)
        try Harness.run(server.url) { harness in
            #expect(harness.bridge.status.state == .connecting)
            #expect(!harness.bridge.subscribe("a"))
            try harness.wait(for: "settled without Redis") { harness.recorder.settled == ["a"] }
            #expect(harness.recorder.states == [.disconnected])
            #expect(harness.bridge.status.reason?.contains("127.0.0.1:\(server.port)") == true)
            try server.start()
            try harness.waitUntilUsable()
            #expect(harness.recorder.states == [.disconnected, .connected])
            #expect(harness.bridge.status.reconnects == 0)
            #expect(harness.bridge.status.reason == nil)
            try harness.wait(for: "subscribed") { harness.bridge.status.subscribedChannels == 1 }
            let client = try RedisClient(port: server.port)
            #expect(try client.publish([1], to: "push:a") == 1)
            try harness.wait(for: "message") { harness.recorder.messages.count == 1 }
        }
    }

    @Test func everyRestartIsSurvived() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            for index in 0..<1200 { _ = harness.bridge.subscribe("c\(index)") }
            try harness.wait(for: "subscribed") { harness.bridge.status.subscribedChannels == 1200 }
            for round in 1...3 {
                harness.recorder.forget()
                server.kill()
                try harness.wait(for: "loss") { harness.bridge.status.state == .disconnected }
                // Attempts continue without being reported.
                let settledBefore = harness.recorder.settled.count
                #expect(!harness.bridge.subscribe("c0"))
                try harness.wait(for: "settled while away") { harness.recorder.settled.count > settledBefore }
                try server.start()
                try harness.wait(for: "resubscribed") {
                    harness.bridge.status.subscribedChannels == 1200 && harness.bridge.status.isUsable
                }
                #expect(harness.recorder.states == [.disconnected, .connected])
                #expect(harness.recorder.losses == 1)
                #expect(harness.bridge.status.reconnects == round)
                let client = try RedisClient(port: server.port)
                for channel in ["push:c0", "push:c600", "push:c1199"] {
                    #expect(try client.publish([UInt8(round)], to: channel) == 1)
                }
                try harness.wait(for: "messages") { harness.recorder.messages.count == 3 }
            }
        }
    }

    @Test func aKilledSubscriberLinkComesBack() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            harness.recorder.forget()
            #expect(try client.command("CLIENT", "KILL", "TYPE", "pubsub") == .integer(1))
            try harness.wait(for: "loss") { harness.recorder.losses == 1 }
            try harness.wait(for: "back") {
                harness.bridge.status.isUsable && harness.bridge.status.subscribedChannels == 1
            }
            #expect(harness.recorder.states == [.disconnected, .connected])
            #expect(try client.publish([1], to: "push:a") == 1)
            try harness.wait(for: "message") { harness.recorder.messages.count == 1 }
        }
    }

    @Test func aKilledPublisherLinkComesBack() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            harness.recorder.forget()
            #expect(try client.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") == .integer(1))
            try harness.wait(for: "loss") { harness.recorder.states == [.disconnected] }
            // Subscriptions are not affected.
            #expect(harness.recorder.losses == 0)
            #expect(harness.bridge.subscribe("a"))
            try harness.waitUntilUsable()
            #expect(harness.recorder.states == [.disconnected, .connected])
        }
    }

    @Test func aFrozenRedisIsNoticed() throws {
        let server = try RedisServer()
        var timing = Harness.quickTiming
        timing.silenceMilliseconds = 1500
        timing.connectMilliseconds = 100
        timing.confirmMilliseconds = 100
        try Harness.run(server.url, timing: timing) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            #expect((harness.bridge.status.probeMilliseconds ?? -1) >= 0)
            harness.recorder.forget()
            server.freeze()
            // At first nothing shows it: a new channel becomes ready by timeout, and is late.
            #expect(!harness.bridge.subscribe("b"))
            try harness.wait(for: "settled") { harness.recorder.settled == ["b"] }
            try harness.wait(for: "noticed") { harness.bridge.status.state == .disconnected }
            #expect(harness.bridge.status.probeMilliseconds == nil)
            #expect(!harness.bridge.status.isUsable)
            try harness.wait(for: "an attempt that is not answered") {
                harness.bridge.status.reason?.contains("no answer within 100 ms") == true
            }
            let changes = harness.recorder.statuses.count
            server.thaw()
            try harness.wait(for: "back") {
                harness.bridge.status.isUsable && harness.bridge.status.subscribedChannels == 2
            }
            #expect(harness.recorder.statuses.count == changes + 1)
        }
    }

    @Test func aSilentlyLostSubscriptionIsNoticed() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        var timing = Harness.quickTiming
        timing.silenceMilliseconds = 1500
        try Harness.run(server.url, timing: timing) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            harness.recorder.forget()
            // Both connections stay up and Redis answers, but nothing is subscribed any more.
            let shard = harness.bridge.shards[0]
            shard.subscriber.link.send(RedisCommand("UNSUBSCRIBE", ["push:a", shard.probe.channel]))
            try harness.wait(for: "noticed") { harness.recorder.losses == 1 }
            #expect(harness.bridge.status.reason?.contains("did not come back within 250 ms") == true)
            try harness.wait(for: "back") {
                harness.bridge.status.isUsable && harness.bridge.status.subscribedChannels == 1
            }
            #expect(try client.publish([1], to: "push:a") == 1)
        }
    }

    @Test func anOverdueSubscriptionIsNotUsable() throws {
        let server = try RedisServer()
        var timing = Harness.quickTiming
        timing.confirmMilliseconds = 20
        try Harness.run(server.url, timing: timing) { harness in
            try harness.waitUntilUsable()
            harness.recorder.forget()
            server.freeze()
            #expect(!harness.bridge.subscribe("a"))
            try harness.wait(for: "overdue") { !harness.bridge.status.isUsable }
            #expect(harness.recorder.settled == ["a"])
            #expect(harness.bridge.status.state == .connected)
            server.thaw()
            try harness.waitUntilUsable()
            #expect(harness.recorder.statuses.map(\.isUsable) == [false, true])
            #expect(harness.recorder.settled == ["a"])
            #expect(harness.bridge.subscribe("a"))
        }
    }

    @Test func theProbeIsRepeated() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        var timing = Harness.quickTiming
        timing.silenceMilliseconds = 1800
        try Harness.run(server.url, timing: timing) { harness in
            try harness.waitUntilUsable()
            try harness.wait(for: "probes") {
                guard case .text(let info) = try client.command("INFO", "commandstats") else { return false }
                return info.contains("cmdstat_publish:calls=3,")
            }
            #expect(harness.recorder.states == [.connected])
        }
    }
}

/// A server that does not answer for a while.
@Suite(.serialized)
struct SilenceTests {
    private func timing(silenceMilliseconds: UInt64) -> RedisTiming {
        var timing = Harness.quickTiming
        timing.silenceMilliseconds = silenceMilliseconds
        return timing
    }

    @Test func aShortFreezeLosesNothing() throws {
        let server = try RedisServer()
        // A missing probe is noticed long before the limit of silence.
        try Harness.run(server.url, timing: timing(silenceMilliseconds: 3000)) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            let client = try RedisClient(port: server.port)
            server.freeze()
            try harness.wait(for: "a missed probe") { harness.bridge.status.state == .silent }
            #expect(harness.bridge.status.reason?.contains("did not come back") == true)
            server.thaw()
            try harness.waitUntilUsable()
            #expect(harness.recorder.losses == 0)
            #expect(harness.bridge.status.reconnects == 0)
            #expect(try client.publish([1], to: "push:a") == 1)
            try harness.wait(for: "a message") { harness.recorder.messages.count == 1 }
            #expect(harness.recorder.gaps.isEmpty)
        }
    }

    @Test func aLongFreezeEndsTheLinksAndTheServerIsWaitedFor() throws {
        let server = try RedisServer()
        var timing = timing(silenceMilliseconds: 300)
        timing.connectMilliseconds = 100
        timing.lastBackoffMilliseconds = 60_000
        try Harness.run(server.url, timing: timing) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            server.freeze()
            try harness.wait(for: "timed out") { harness.bridge.status.reason?.contains("timed out") == true }
            #expect(harness.recorder.losses == 1)
            server.thaw()
            // The unanswered attempt is still open, so there is no wait for the next one.
            try harness.waitUntilUsable()
            #expect(harness.recorder.states.last == .connected)
            #expect(harness.recorder.gaps.map(\.channel) == ["a"])
        }
    }

    @Test func oneForbiddenChannelDoesNotTakeTheOthersAlong() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        let rules = ["ACL", "SETUSER", "node", "on", ">pw", "+@all", "&push:good*", "&pushd:probe:*"]
        #expect(try client.command(rules.map { Array($0.utf8) }) == .text("OK"))
        try Harness.run(
            "redis://node:pw@127.0.0.1:\(server.port)", timing: timing(silenceMilliseconds: 900)
        ) { harness in
            try harness.wait(for: "connected") { harness.bridge.status.state == .connected }
            for channel in ["good1", "forbidden", "good2"] { _ = harness.bridge.subscribe(channel) }
            try harness.wait(for: "the others") {
                harness.bridge.isConfirmed("good1") && harness.bridge.isConfirmed("good2")
            }
            try harness.wait(for: "settled without Redis") { harness.recorder.settled.contains("forbidden") }
            #expect(!harness.bridge.status.isUsable)
            #expect(harness.bridge.status.reason?.contains("SUBSCRIBE was refused: NOPERM") == true)
            #expect(harness.recorder.losses == 0)
            #expect(try client.command("ACL", "SETUSER", "node", "&push:*") == .text("OK"))
            try harness.waitUntilUsable()
            #expect(try client.publish([1], to: "push:forbidden") == 1)
        }
    }
}
