import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

@Suite(.serialized)
struct PublishTests {
    private typealias Outcome = Result<Int, RedisPublishFailure>

    @Test func aPublishComesBackAndTellsTheReceivers() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            var outcomes: [Outcome] = []
            harness.bridge.publish([0, 255, 13, 10], to: "a") { outcomes.append($0) }
            harness.bridge.publish([1], to: "nobody") { outcomes.append($0) }
            #expect(outcomes.isEmpty)
            try harness.wait(for: "replies and the message") {
                outcomes.count == 2 && harness.recorder.messages.count == 1
            }
            #expect(outcomes == [.success(1), .success(0)])
            #expect(harness.recorder.messages == [.init(channel: "a", payload: [0, 255, 13, 10])])
        }
    }

    @Test func manyPublishesKeepTheirOrder() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            var answered: [Int] = []
            for index in 0..<5000 {
                harness.bridge.publish(Array("\(index)".utf8), to: "a") { _ in answered.append(index) }
            }
            try harness.wait(for: "messages") { harness.recorder.messages.count == 5000 && answered.count == 5000 }
            #expect(answered == Array(0..<5000))
            #expect(harness.recorder.messages.map(\.payload) == (0..<5000).map { Array("\($0)".utf8) })
        }
    }

    @Test func whenRedisHasBeenAwayForLongItFailsAtOnce() throws {
        var timing = Harness.quickTiming
        timing.publishMilliseconds = 50
        try Harness.run("redis://127.0.0.1:\(try RedisServer.freePort())", timing: timing) { harness in
            var outcomes: [Outcome] = []
            harness.bridge.publish([1], to: "a") { outcomes.append($0) }
            #expect(outcomes.isEmpty, "it may be back in a moment")
            try harness.wait(for: "the end of patience") { outcomes.count == 1 }
            harness.bridge.publish([1], to: "a") { outcomes.append($0) }
            #expect(outcomes == [.failure(.notConnected), .failure(.notConnected)])
        }
    }

    @Test func aShortAbsenceIsBridged() throws {
        let server = try RedisServer()
        var timing = Harness.quickTiming
        timing.publishMilliseconds = 20_000
        try Harness.run(server.url, timing: timing) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            server.kill()
            try harness.wait(for: "loss") { !harness.bridge.shards[0].publisher.link.isReady }
            var outcomes: [Outcome] = []
            for payload in 0..<10 as Range<UInt8> {
                harness.bridge.publish([payload], to: "a") { outcomes.append($0) }
            }
            #expect(harness.bridge.status.queuedCommands == 10)
            try server.start()
            try harness.wait(for: "replies") { outcomes.count == 10 }
            #expect(outcomes.allSatisfy { if case .success = $0 { true } else { false } })
        }
    }

    @Test func whatIsPendingFailsWhenTheConnectionBreaks() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            server.freeze()
            var outcomes: [Outcome] = []
            for _ in 0..<3 { harness.bridge.publish([1], to: "a") { outcomes.append($0) } }
            server.kill()
            try harness.wait(for: "failures") { outcomes.count == 3 }
            #expect(outcomes == [.failure(.unanswered), .failure(.unanswered), .failure(.unanswered)])
        }
    }

    @Test func stopFailsWhatIsPending() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            var outcome: Outcome?
            harness.bridge.publish([1], to: "a") { outcome = $0 }
            harness.bridge.stop()
            #expect(outcome == .failure(.unanswered))
            harness.bridge.publish([1], to: "a") { outcome = $0 }
            #expect(outcome == .failure(.notConnected))
        }
    }

    @Test func tooMuchIsRefusedHere() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            server.freeze()
            let half = [UInt8](repeating: 0, count: PublishQueue.maximumBytes / 2)
            var outcomes: [Outcome] = []
            // The probe may be pending as well.
            harness.bridge.publish(half, to: "a") { outcomes.append($0) }
            harness.bridge.publish(half.dropLast(8).map { $0 }, to: "a") { outcomes.append($0) }
            #expect(outcomes.isEmpty)
            harness.bridge.publish(half, to: "a") { outcomes.append($0) }
            #expect(outcomes == [.failure(.overloaded)])
            server.thaw()
            try harness.wait(for: "the others") { outcomes.count == 3 }
            #expect(outcomes == [.failure(.overloaded), .success(0), .success(0)])
        }
    }

    @Test func anErrorReplyIsTold() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        let rules = ["ACL", "SETUSER", "node", "on", ">pw", "+publish", "+subscribe", "&push:ok", "&pushd:probe:*"]
        #expect(try client.command(rules.map { Array($0.utf8) }) == .text("OK"))
        // This user may not even use PING.
        try Harness.run("redis://node:pw@127.0.0.1:\(server.port)") { harness in
            try harness.waitUntilUsable()
            var outcomes: [Outcome] = []
            harness.bridge.publish([1], to: "forbidden") { outcomes.append($0) }
            harness.bridge.publish([1], to: "ok") { outcomes.append($0) }
            try harness.wait(for: "replies") { outcomes.count == 2 }
            guard case .failure(.refused(let text)) = outcomes[0] else {
                Issue.record("\(outcomes[0])")
                return
            }
            #expect(text.hasPrefix("NOPERM"))
            #expect(outcomes[1] == .success(0))
            #expect(harness.bridge.status.isUsable)
        }
    }
}
