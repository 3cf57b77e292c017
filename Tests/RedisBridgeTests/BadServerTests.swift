import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

@Suite(.serialized)
struct BadServerTests {
    /// Runs a bridge against a server that answers everything with `answer`, until it has been called 20 times.
    private func run(answer: String?, expecting reason: String, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let loop = try Loop()
        let server = try LoopServer(on: loop, answer: answer)
        var timing = Harness.quickTiming
        timing.connectMilliseconds = 20
        let harness = try Harness("redis://127.0.0.1:\(server.port)", timing: timing, loop: loop)
        defer { harness.close() }
        harness.bridge.start()
        // No ticker: every turn is caused by the bridge or the server.
        defer { server.close() }
        try harness.wait(for: "20 attempts", ticking: false) { server.accepted >= 20 }
        #expect(harness.recorder.states == [.disconnected], sourceLocation: sourceLocation)
        #expect(
            harness.bridge.status.reason?.contains(reason) == true, "\(harness.bridge.status)",
            sourceLocation: sourceLocation)
        // An attempt causes a handful of events on each side. A bridge that spins would turn the loop thousands of
        // times.
        #expect(harness.turns < 20 * 15, sourceLocation: sourceLocation)
    }

    @Test func aWrongPasswordDoesNotSpin() throws {
        try run(answer: "-WRONGPASS invalid username-password pair\r\n", expecting: "PING was refused: WRONGPASS")
    }

    @Test func aServerThatLoadsItsDataIsWaitedFor() throws {
        try run(answer: "-LOADING Redis is loading the dataset in memory\r\n", expecting: "PING was refused: LOADING")
    }

    @Test func aServerThatClosesAtOnceIsTriedAgain() throws {
        try run(answer: "", expecting: "127.0.0.1:")
    }

    @Test func aSilentServerIsGivenUp() throws {
        try run(answer: nil, expecting: "no answer within 20 ms")
    }

    @Test func aServerThatIsNotRedisIsTold() throws {
        try run(answer: "HTTP/1.1 400 Bad Request\r\n\r\n", expecting: "Protocol error")
    }

    @Test func aRefusedConnectionDoesNotSpin() throws {
        var timing = Harness.quickTiming
        timing.lastBackoffMilliseconds = 20
        let harness = try Harness("redis://127.0.0.1:\(try RedisServer.freePort())", timing: timing)
        defer { harness.close() }
        harness.bridge.start()
        let begin = harness.loop.nowMilliseconds
        // The first 200 turns of a spinning bridge take almost no time.
        for _ in 0..<200 { harness.loop.turn() }
        #expect(harness.recorder.states == [.disconnected])
        #expect(harness.loop.nowMilliseconds - begin > 50)
    }

    @Test func everyAddressOfAHostIsTried() throws {
        let loop = try Loop()
        let server = try LoopServer(on: loop, answer: nil)
        let harness = try Harness("redis://no-such-host.invalid", loop: loop)
        harness.bridge.start()
        // An answer with two addresses without a listener, and one with a listener.
        let dead = SocketAddress(host: "127.0.0.1", port: try RedisServer.freePort())
        let live = SocketAddress(host: "127.0.0.1", port: server.port)
        try harness.wait(for: "a call") {
            // It is used only during the lookup, and the real answer may have arrived before.
            harness.bridge.shards[0].subscriber.link.lookedUp(.success([dead, dead, live].compactMap { $0 }))
            return server.accepted > 0
        }
        server.close()
        harness.close()
    }
}
