import Bytes
import Testing
import WSLoop

@testable import RedisBridge

/// Far away: it only ends a test that would never end.
struct Deadline {
    private let end = Loop.monotonicNanoseconds + 20_000_000_000

    func check(_ what: String) throws {
        if Loop.monotonicNanoseconds > end { throw TestFailure(description: "waited in vain for: \(what)") }
    }
}

/// Notes what a bridge tells.
final class Recorder: RedisBridgeDelegate {
    struct Message: Equatable {
        let channel: String
        let payload: [UInt8]
    }

    private(set) var messages: [Message] = []
    private(set) var settled: [String] = []
    private(set) var losses = 0
    private(set) var exposures: [(channel: String, milliseconds: UInt64)] = []
    private(set) var ignored: [String] = []
    private(set) var statuses: [RedisStatus] = []
    var onSettled: ((String) -> Void)?
    var onMessage: (() -> Void)?
    var onStatus: (() -> Void)?
    var onLoss: (() -> Void)?

    var states: [RedisStatus.State] { statuses.map(\.state) }

    func forget() {
        messages = []
        settled = []
        statuses = []
        losses = 0
        exposures = []
    }

    func bridgeReceived(_ payload: RawSpan, on channel: String) {
        var bytes: [UInt8] = []
        bytes.append(payload)
        messages.append(Message(channel: channel, payload: bytes))
        onMessage?()
    }

    func bridgeSettled(_ channel: String) {
        settled.append(channel)
        onSettled?(channel)
    }

    func bridgeExposed(_ channel: String, forMilliseconds milliseconds: UInt64) {
        exposures.append((channel, milliseconds))
    }

    private(set) var leftOutMessages = 0

    func bridgeLeftOutMessage() { leftOutMessages += 1 }

    func bridgeIgnored(_ redisChannel: RawSpan) {
        ignored.append(redisChannel.text ?? "?")
    }

    func bridgeLostSubscriptions() {
        losses += 1
        onLoss?()
    }

    func bridgeStatusChanged(_ status: RedisStatus) {
        statuses.append(status)
        onStatus?()
    }
}

/// A loop with a bridge on it, driven by the test.
final class Harness {
    let loop: Loop
    let bridge: RedisBridge
    let recorder = Recorder()
    /// Ends a turn that would sleep for long, so that conditions outside the loop are looked at.
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

    /// Short backoff, and probes that a busy machine does not miss.
    static var quickTiming: RedisTiming {
        var timing = RedisTiming()
        timing.firstBackoffMilliseconds = 10
        timing.lastBackoffMilliseconds = 50
        timing.lingerMilliseconds = 50
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

    /// Traps if the bridge has left a handle.
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
