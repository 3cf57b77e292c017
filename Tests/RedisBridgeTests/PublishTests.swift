import Bytes
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

    @Test func withoutAConnectionItFailsAtOnce() throws {
        try Harness.run("redis://127.0.0.1:\(try RedisServer.freePort())") { harness in
            var outcome: Outcome?
            harness.bridge.publish([1], to: "a") { outcome = $0 }
            #expect(outcome == .failure(.notConnected))
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
            #expect(outcomes == [.failure(.connectionLost), .failure(.connectionLost), .failure(.connectionLost)])
        }
    }

    @Test func stopFailsWhatIsPending() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            var outcome: Outcome?
            harness.bridge.publish([1], to: "a") { outcome = $0 }
            harness.bridge.stop()
            #expect(outcome == .failure(.connectionLost))
            harness.bridge.publish([1], to: "a") { outcome = $0 }
            #expect(outcome == .failure(.notConnected))
        }
    }

    @Test func tooMuchIsRefusedHere() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.waitUntilUsable()
            server.freeze()
            let half = [UInt8](repeating: 0, count: PendingPublishes.maximumBytes / 2)
            var outcomes: [Outcome] = []
            // The probe may be pending beside them.
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
        // This user may not even PING.
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
