import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

/// Far in the future: it only ends a test that would never end.
struct Deadline {
    private let end = Loop.monotonicNanoseconds + 20_000_000_000

    func check(_ what: String) throws {
        if Loop.monotonicNanoseconds > end { throw TestFailure(description: "waited in vain for: \(what)") }
    }
}

/// A loop with a bridge, driven by the test.
final class Harness {
    let loop: Loop
    let bridge: RedisBridge
    let recorder = BrokerRecorder()
    /// Ends turns that would sleep too long, so that conditions outside the loop are checked.
    private let ticker: Timer
    private(set) var turns = 0

    init(
        _ url: String, timing: RedisTiming = Harness.quickTiming, channels: RedisChannelMap? = nil, loop: Loop? = nil
    ) throws {
        SystemLimits.ignoreBrokenPipes()
        self.loop = try loop ?? Loop()
        ticker = try Timer(on: self.loop)
        bridge = try RedisBridge(
            on: self.loop, endpoint: try RedisEndpoint(parsing: url),
            channels: channels ?? RedisChannelMap(prefix: "push:", aliases: []), timing: timing, delegate: recorder)
    }

    /// A short backoff, and probes with enough time for a busy machine.
    static var quickTiming: RedisTiming {
        var timing = RedisTiming()
        timing.firstBackoffMilliseconds = 10
        timing.lastBackoffMilliseconds = 50
        timing.lingerMilliseconds = 50
        timing.historyMilliseconds = 0
        return timing
    }

    static func run(
        _ url: String, timing: RedisTiming = Harness.quickTiming, aliases: [(redis: String, channel: String)] = [],
        _ body: (Harness) throws -> Void
    ) throws {
        let harness = try Harness(
            url, timing: timing, channels: RedisChannelMap(prefix: "push:", aliases: aliases))
        defer { harness.close() }
        harness.bridge.start()
        try body(harness)
    }

    /// Traps if the bridge has left a handle open.
    func close() {
        bridge.stop()
        ticker.close()
        loop.close()
    }

    /// Turns the loop until the condition holds.
    func wait(for what: String, ticking: Bool = true, _ condition: () throws -> Bool) throws {
        let deadline = Deadline()
        if ticking { ticker.start(afterMilliseconds: 2, everyMilliseconds: 2) }
        defer { ticker.stop() }
        while try !condition() {
            try deadline.check("\(what); status \(bridge.status)")
            loop.turn()
            turns += 1
        }
    }

    func waitUntilUsable() throws {
        try wait(for: "usable") { bridge.status.isUsable }
    }

    /// Subscribes and waits for the confirmation.
    func subscribe(_ channel: String) throws {
        if bridge.subscribe(channel) { return }
        let settlements = recorder.settled.count
        try wait(for: "settled \(channel)") { recorder.settled.dropFirst(settlements).contains(channel) }
    }
}
