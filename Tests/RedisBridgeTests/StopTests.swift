import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

/// `Harness.close()` closes the loop, which traps if the bridge has left a handle open.
@Suite(.serialized)
struct StopTests {
    @Test func beforeStart() throws {
        let harness = try Harness("redis://127.0.0.1:1")
        harness.close()
        #expect(harness.recorder.statuses.isEmpty)
    }

    @Test func stoppingTwiceOrStartingAfterwardsIsHarmless() throws {
        let harness = try Harness("redis://127.0.0.1:1")
        harness.bridge.start()
        harness.bridge.stop()
        harness.bridge.stop()
        harness.bridge.start()
        harness.loop.turn(waiting: false)
        harness.close()
        #expect(harness.recorder.statuses.isEmpty)
    }

    @Test func afterEveryNumberOfTurns() throws {
        let server = try RedisServer()
        for turns in 0..<30 {
            let harness = try Harness(server.url)
            harness.bridge.start()
            _ = harness.bridge.subscribe("a")
            var left = turns
            try harness.wait(for: "\(turns) turns") {
                left -= 1
                return left < 0
            }
            harness.close()
        }
    }

    @Test func duringALookup() throws {
        let harness = try Harness("redis://no-such-host.invalid")
        harness.bridge.start()
        harness.loop.turn(waiting: false)
        harness.loop.turn(waiting: false)
        // The system may have answered already; if not, close() waits for the answer without reporting it.
        let heard = harness.recorder.statuses.count
        harness.close()
        #expect(harness.recorder.statuses.count == heard)
    }

    @Test func whileReconnecting() throws {
        let server = try RedisServer()
        let harness = try Harness(server.url)
        harness.bridge.start()
        try harness.waitUntilUsable()
        server.kill()
        try harness.wait(for: "loss") { harness.bridge.status.state == .disconnected }
        harness.close()
    }

    @Test(arguments: ["message", "settled", "status", "loss", "publish"])
    func insideACallback(callback: String) throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        let harness = try Harness(server.url)
        var isStopped = false
        let stop = { [bridge = harness.bridge] in
            bridge.stop()
            isStopped = true
        }
        harness.bridge.start()
        if callback == "settled" { harness.recorder.onSettled = { _ in stop() } }
        if callback == "status" { harness.recorder.onStatus = stop }
        _ = harness.bridge.subscribe("a")
        if callback == "message" || callback == "loss" || callback == "publish" {
            try harness.waitUntilUsable()
            try harness.wait(for: "subscribed") { harness.bridge.status.subscribedChannels == 1 }
        }
        harness.recorder.onMessage = stop
        harness.recorder.onLoss = stop
        switch callback {
        case "message": for payload in 0..<3 as Range<UInt8> { _ = try client.publish([payload], to: "push:a") }
        case "loss": server.kill()
        case "publish": harness.bridge.publish([1], to: "nobody") { _ in stop() }
        default: break
        }
        try harness.wait(for: "stopped") { isStopped }
        harness.close()
        #expect(harness.recorder.messages.count <= 1)
    }

    @Test func nothingIsToldAfterwards() throws {
        let harness = try Harness("redis://127.0.0.1:\(try RedisServer.freePort())")
        harness.recorder.onSettled = { [bridge = harness.bridge] _ in bridge.stop() }
        harness.bridge.start()
        // One failed attempt makes both ready.
        _ = harness.bridge.subscribe("a")
        _ = harness.bridge.subscribe("b")
        try harness.wait(for: "settled") { !harness.recorder.settled.isEmpty }
        #expect(harness.recorder.settled.count == 1)
        harness.close()
        #expect(harness.recorder.settled.count == 1)
    }

    @Test func noDescriptorIsLeft() throws {
        let server = try RedisServer()
        let before = SystemLimits.openDescriptors()
        for _ in 0..<20 {
            try Harness.run(server.url) { try $0.waitUntilUsable() }
        }
        // Other suites run at the same time; a leak would be 40 descriptors or more.
        #expect(SystemLimits.openDescriptors() < before + 35)
    }
}
