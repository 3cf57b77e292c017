import Broker
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

@Suite(.serialized)
struct PublishLinkTests {
    private final class Listener: RedisPublishLinkDelegate {
        private(set) var readies = 0
        private(set) var failures: [String] = []

        func publishLinkReady() { readies += 1 }
        func publishLinkFailed(_ reason: String) { failures.append(reason) }
    }

    /// Runs a test with a link on the harness' loop, whose bridge receives the messages.
    private func run(_ url: String, _ body: (Harness, RedisPublishLink, Listener) throws -> Void) throws {
        try Harness.run(url) { harness in
            let listener = Listener()
            let link = try RedisPublishLink(
                on: harness.loop, endpoint: try RedisEndpoint(parsing: url), timing: Harness.quickTiming,
                delegate: listener)
            defer { link.stop() }
            link.start()
            try body(harness, link, listener)
        }
    }

    @Test func whatItPublishesArrivesInOrder() throws {
        let server = try RedisServer()
        try run(server.url) { harness, link, listener in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            try harness.wait(for: "the link") { listener.readies == 1 }
            var receivers: [Int] = []
            for index in 0..<100 {
                link.publish([UInt8(index)], toRedis: Array("push:a".utf8)) { result in
                    if case .success(let count) = result { receivers.append(count) }
                }
            }
            try harness.wait(for: "messages and replies") {
                harness.recorder.messages.count == 100 && receivers.count == 100
            }
            #expect(harness.recorder.messages.map(\.payload) == (0..<100).map { [UInt8($0)] })
            #expect(receivers == Array(repeating: 1, count: 100))
        }
    }

    @Test func withoutRedisThereIsNoRoomAndTheReasonIsTold() throws {
        try run("redis://127.0.0.1:\(try RedisServer.freePort())") { harness, link, listener in
            try harness.wait(for: "two failures") { listener.failures.count >= 2 }
            #expect(listener.failures[0].contains("refused"))
            #expect(!link.hasRoom(forBytes: 1))
            var outcome: Result<Int, RedisPublishFailure>?
            link.publish([1], toRedis: [1]) { outcome = $0 }
            #expect(outcome == .failure(.notConnected))
        }
    }

    @Test func aLossFailsWhatIsPendingAndIsMadeGood() throws {
        let server = try RedisServer()
        try run(server.url) { harness, link, listener in
            try harness.wait(for: "the link") { listener.readies == 1 }
            #expect(link.hasRoom(forBytes: 1))
            server.freeze()
            var outcome: Result<Int, RedisPublishFailure>?
            link.publish([1], toRedis: [1]) { outcome = $0 }
            server.kill()
            try harness.wait(for: "the failure") { outcome != nil }
            #expect(outcome == .failure(.unanswered))
            #expect(listener.failures.count == 1)
            try server.start()
            try harness.wait(for: "the link again") { listener.readies == 2 }
        }
    }

    @Test func thereIsNoRoomForMoreThanMayWait() throws {
        let server = try RedisServer()
        try run(server.url) { harness, link, listener in
            try harness.wait(for: "the link") { listener.readies == 1 }
            #expect(link.hasRoom(forBytes: PublishQueue.maximumBytes))
            #expect(!link.hasRoom(forBytes: PublishQueue.maximumBytes + 1))
        }
    }
}
