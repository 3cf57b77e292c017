import TestSupport
import Testing

@testable import RedisBridge

/// Redis from the ledger's point of view: commands are answered in order, with a delay.
private struct RedisModel {
    private(set) var subscribed: Set<String> = []
    private var unanswered: [(isSubscribe: Bool, name: String)] = []

    mutating func send(_ commands: [SubscriptionCommand]) {
        for command in commands {
            unanswered += command.names.map { (command.kind == .subscribe, $0) }
        }
    }

    var isIdle: Bool { unanswered.isEmpty }

    /// Executes the oldest command; returns its name if it was a SUBSCRIBE.
    mutating func answer() -> String? {
        let next = unanswered.removeFirst()
        if next.isSubscribe { subscribed.insert(next.name) } else { subscribed.remove(next.name) }
        return next.isSubscribe ? next.name : nil
    }
}

/// The ledger's rules, implemented without regard for cost: every question scans all channels.
private struct Oracle {
    struct Channel {
        var names: [String]
        var confirmed: Set<String> = []
        var isSent = false
        var isWanted = true
        var isAwaited = false
        var confirmBy: UInt64?
        var isLate = false
        var keptUntil: UInt64 = .max
        var isConfirmed: Bool { confirmed.count == names.count }
    }

    var channels: [String: Channel] = [:]
    var isLinked = false
    var isAway = false

    mutating func subscribe(_ name: String, _ names: [String], at now: UInt64) -> Bool {
        var channel = channels[name] ?? Channel(names: names)
        defer { channels[name] = channel }
        channel.isWanted = true
        channel.keptUntil = .max
        if channel.isConfirmed { return true }
        channel.isAwaited = true
        channel.confirmBy = channel.confirmBy ?? (isAway ? now : now + 1000)
        return false
    }

    mutating func unsubscribe(_ name: String, at now: UInt64) {
        guard var channel = channels[name], channel.isWanted else { return }
        channel.isWanted = false
        channel.isAwaited = false
        channel.keptUntil = now + 500
        channels[name] = channel
    }

    mutating func confirm(_ redisName: String) -> String? {
        for (name, var channel) in channels where channel.names.contains(redisName) {
            channel.confirmed.insert(redisName)
            defer { channels[name] = channel }
            guard channel.isConfirmed else { return nil }
            channel.isLate = false
            channel.confirmBy = nil
            defer { channel.isAwaited = false }
            return channel.isAwaited ? name : nil
        }
        return nil
    }

    /// The channels that are ready by timeout, and the Redis channels to unsubscribe.
    mutating func advance(to now: UInt64) -> (settled: Set<String>, left: Set<String>) {
        var settled: Set<String> = []
        var left: Set<String> = []
        for (name, var channel) in channels {
            if channel.keptUntil <= now {
                guard channel.isSent, !channel.isConfirmed else {
                    if channel.isSent { left.formUnion(channel.names) }
                    channels[name] = nil
                    continue
                }
                channel.keptUntil = now + 500
            }
            if let deadline = channel.confirmBy, deadline <= now {
                if channel.isAwaited { settled.insert(name) }
                channel.isAwaited = false
                channel.confirmBy = nil
                channel.isLate = isLinked
            }
            channels[name] = channel
        }
        return (settled, left)
    }

    mutating func setLinked(_ linked: Bool, at now: UInt64) {
        isLinked = linked
        if linked { isAway = false }
        for (name, var channel) in channels {
            channel.isSent = false
            channel.confirmed = []
            channel.isLate = false
            if linked {
                channel.confirmBy = channel.confirmBy ?? now + 1000
            } else if !channel.isAwaited {
                channel.confirmBy = nil
            }
            channels[name] = channel
        }
    }

    mutating func takeJoining() -> Set<String> {
        var names: Set<String> = []
        for (name, channel) in channels where isLinked && !channel.isSent {
            names.formUnion(channel.names)
            channels[name]?.isSent = true
        }
        return names
    }

    var nextDeadline: UInt64? {
        channels.values.flatMap { [$0.confirmBy, $0.keptUntil == .max ? nil : $0.keptUntil] }.compactMap { $0 }.min()
    }
}

/// Feeds the same random events to the ledger, the oracle and the model of Redis.
private struct Comparison {
    static let map = RedisChannelMap(prefix: "p:", aliases: [("alias", "c1"), ("other", "c1"), ("third", "c2")])

    var ledger = SubscriptionLedger(names: ChannelNames(map: map), confirmMilliseconds: 1000, lingerMilliseconds: 500)
    var oracle = Oracle()
    var redis = RedisModel()
    var now: UInt64 = 0
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func step() {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<6: subscribe("c\(Int.random(in: 0..<12, using: &random))")
        case 6..<10: unsubscribe("c\(Int.random(in: 0..<12, using: &random))")
        case 10..<13: send()
        case 13..<17: answer(Int.random(in: 0..<6, using: &random))
        case 17, 18: advance(by: UInt64.random(in: 0..<400, using: &random))
        default: if Int.random(in: 0..<8, using: &random) == 0 { toggleLink() }
        }
        check()
    }

    mutating func subscribe(_ channel: String) {
        let confirmed = ledger.subscribe(channel, at: now)
        #expect(confirmed == oracle.subscribe(channel, Self.map.redisChannels(for: channel), at: now))
        if confirmed { #expect(redis.subscribed.isSuperset(of: Self.map.redisChannels(for: channel))) }
    }

    mutating func unsubscribe(_ channel: String) {
        ledger.unsubscribe(channel, at: now)
        oracle.unsubscribe(channel, at: now)
    }

    mutating func send() {
        let commands = ledger.takeCommands()
        var joining: [String] = []
        for command in commands where command.kind == .subscribe { joining += command.names }
        #expect(Set(joining) == oracle.takeJoining())
        #expect(Set(joining).count == joining.count)
        redis.send(commands)
    }

    mutating func answer(_ count: Int) {
        for _ in 0..<count where !redis.isIdle {
            guard let name = redis.answer(), let channel = Self.channel(ofRedis: name) else { continue }
            let isSettled = ledger.confirmOne(of: channel, at: now)?.isSettled == true
            #expect((isSettled ? channel : nil) == oracle.confirm(name))
        }
    }

    mutating func advance(by milliseconds: UInt64) {
        now += milliseconds
        let settled = ledger.advance(to: now)
        let expected = oracle.advance(to: now)
        #expect(Set(settled) == expected.settled)
        #expect(Set(settled).count == settled.count)
        // Unsubscribes are sent before channels that are joined later in the turn.
        if !expected.left.isEmpty {
            let commands = ledger.takeCommands()
            var left: [String] = []
            for command in commands where command.kind == .unsubscribe { left += command.names }
            #expect(Set(left) == expected.left)
            _ = oracle.takeJoining()
            redis.send(commands)
        }
    }

    mutating func toggleLink() {
        if oracle.isLinked {
            ledger.linkLost(heardAt: now)
            oracle.setLinked(false, at: now)
            redis = RedisModel()
        } else if Bool.random(using: &random) {
            ledger.linkReady(at: now)
            oracle.setLinked(true, at: now)
        } else {
            let settled = ledger.redisAway(at: now)
            oracle.isAway = true
            let awaited = oracle.channels.filter(\.value.isAwaited).keys
            #expect(Set(settled) == Set(awaited))
            for name in oracle.channels.keys {
                oracle.channels[name]?.isAwaited = false
                oracle.channels[name]?.confirmBy = nil
            }
        }
    }

    mutating func check() {
        #expect(ledger.count == oracle.channels.count)
        #expect(ledger.confirmedCount == oracle.channels.values.filter(\.isConfirmed).count)
        #expect(ledger.lateCount == oracle.channels.values.filter(\.isLate).count)
        #expect(ledger.nextDeadline() == oracle.nextDeadline)
    }

    static func channel(ofRedis name: String) -> String? {
        switch name {
        case "alias", "other": "c1"
        case "third": "c2"
        default: name.hasPrefix("p:") ? String(name.dropFirst(2)) : nil
        }
    }
}

struct SubscriptionLedgerModelTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func agreesWithTheNaiveLedger(seed: UInt64) {
        var comparison = Comparison(seed: seed)
        for _ in 0..<1500 { comparison.step() }
        // After some time on a good link, Redis is subscribed to exactly the needed channels.
        if !comparison.oracle.isLinked {
            comparison.ledger.linkReady(at: comparison.now)
            comparison.oracle.setLinked(true, at: comparison.now)
        }
        for _ in 0..<8 {
            comparison.send()
            comparison.answer(1000)
            comparison.advance(by: 600)
        }
        comparison.answer(1000)
        let wanted = comparison.oracle.channels.filter(\.value.isWanted).keys
        #expect(comparison.redis.subscribed == Set(wanted.flatMap { Comparison.map.redisChannels(for: $0) }))
        #expect(comparison.ledger.count == wanted.count)
        #expect(comparison.ledger.confirmedCount == wanted.count)
    }
}
