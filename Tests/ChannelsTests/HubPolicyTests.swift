import Testing
import WebSocket

@testable import Channels

/// Messages here are frames of ten bytes.
private func tenBytes(_ number: Int) -> String { "message\(number)" }

private func world(_ policy: SlowConsumerPolicy, limit: Int = 30) -> World {
    World(outboxLimitBytes: limit, policies: SlowConsumerPolicies(policy))
}

/// The messages that a slow consumer loses, and the notices it gets.
@Suite struct HubPolicyTests {
    @Test(arguments: [
        (SlowConsumerPolicy.dropOldest, [0, 7, 8, 9]), (.dropNewest, [0, 1, 2, 3]), (.conflate, [0, 9]),
    ])
    func whatIsKept(policy: SlowConsumerPolicy, numbers: [Int]) {
        let world = world(policy)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 5  // the first one is begun, and therefore always finished
        hub.deliver("a", tenBytes(0))
        hub.flush()
        // Its remaining 5 bytes leave room for two complete messages, not for three.
        for number in 1..<10 {
            hub.deliver("a", tenBytes(number))
            hub.flush()
            #expect(hub.queuedBytes(of: slot) <= 30)
        }
        transport[1].room = nil
        hub.makeRoom(slot)
        let (texts, rest) = parseFrames(transport.bytes(1))
        let kept = policy == .conflate ? numbers : policy == .dropOldest ? [0, 8, 9] : [0, 1, 2]
        #expect(texts == kept.map(tenBytes))
        #expect(rest.isEmpty)
        let counts = hub.takeCounts()
        #expect(counts.settled == 10)
        let cause: DropCause = policy == .dropOldest ? .dropOldest : policy == .dropNewest ? .dropNewest : .conflate
        #expect(counts.dropped[cause.rawValue] == 10 - kept.count)
        #expect(!transport.events.contains(.lost(slot, .overflow)))
    }

    @Test func whatIsEncryptedAndNotSentCountsInTheLimit() {
        let world = world(.dropNewest)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 0
        transport.unsentBytes[1] = 15
        for number in 0..<3 {
            hub.deliver("a", tenBytes(number))
            hub.flush()
        }
        #expect(hub.queuedBytes(of: slot) == 10)
        #expect(hub.takeCounts().dropped[DropCause.dropNewest.rawValue] == 2)
    }

    /// A message that is larger than any outbox is refused, never sent partly.
    @Test(arguments: [SlowConsumerPolicy.dropOldest, .dropNewest, .conflate])
    func aMessageLargerThanTheLimitIsRefusedWhole(policy: SlowConsumerPolicy) {
        let world = world(policy)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 0
        hub.deliver("a", String(repeating: "x", count: 60))
        hub.flush()
        #expect(hub.queuedBytes == 0 || policy == .disconnect)
        transport[1].room = nil
        hub.makeRoom(slot)
        hub.deliver("a", "next")
        hub.flush()
        #expect(parseFrames(transport.bytes(1)).texts == ["next"])
        #expect(hub.takeCounts().settled == 2)
    }

    @Test func aBegunMessageIsFinishedThoughItsRestIsMoreThanTheLimit() {
        let world = world(.dropOldest)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 6
        hub.deliver("a", String(repeating: "x", count: 100))
        hub.flush()
        hub.deliver("a", "lost")
        hub.flush()
        transport[1].room = nil
        hub.makeRoom(slot)
        #expect(parseFrames(transport.bytes(1)).texts == [String(repeating: "x", count: 100)])
        #expect(hub.takeCounts().settled == 2)
    }

    /// Each channel has its own policy, even on the same connection.
    @Test func policiesOfOneConnection() throws {
        let pattern = try #require(ChannelPattern("ticker.*"))
        let world = World(
            outboxLimitBytes: 60,
            policies: SlowConsumerPolicies(rules: [SlowConsumerPolicies.Rule(pattern, .conflate)]))
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "ticker.a", "ticker.b", "chat")
        transport[1].room = 0
        for number in 0..<9 {
            hub.deliver("ticker.a", "ticker a\(number)")
            hub.deliver("ticker.b", "ticker b\(number)")
            if number < 2 { hub.deliver("chat", tenBytes(number)) }
            hub.flush()
        }
        #expect(!transport.events.contains(.lost(slot, .overflow)))
        transport[1].room = nil
        hub.makeRoom(slot)
        #expect(Set(parseFrames(transport.bytes(1)).texts) == ["ticker a8", "ticker b8", "message0", "message1"])
        transport[1].room = 0
        for number in 0..<7 { hub.deliver("chat", tenBytes(number)) }
        hub.flush()
        #expect(transport.events.last == .lost(slot, .overflow))
    }

    @Test func conflationByKey() {
        let world = world(.conflate, limit: 1000)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 0
        for (key, text) in [
            ("x", "x1"), ("y", "y1"), ("x", "x2"), (nil, "none1"), ("z", "z1"), (nil, "none2"), ("x", "x3"),
        ] {
            hub.deliver(Message(channel: "a", payload: Array(text.utf8), key: key, receivedNanoseconds: 0))
            if text != "y1" { hub.flush() }
        }
        transport[1].room = nil
        hub.makeRoom(slot)
        #expect(parseFrames(transport.bytes(1)).texts == ["y1", "z1", "none2", "x3"])
        #expect(hub.takeCounts().dropped[DropCause.conflate.rawValue] == 3)
    }

    /// A fast client misses nothing, whatever the policy.
    @Test(arguments: SlowConsumerPolicy.allCases)
    func whoKeepsUpGetsAll(policy: SlowConsumerPolicy) {
        let world = world(policy)
        let (hub, transport) = (world.hub, world.transport)
        _ = hub.connect(1, "a")
        for number in 0..<9 { hub.deliver("a", tenBytes(number)) }
        hub.flush()
        #expect(parseFrames(transport.bytes(1)).texts == (0..<9).map(tenBytes))
        #expect(hub.takeCounts().droppedBySlowConsumers == 0)
    }

    @Test(arguments: [WireForm(), .naming()])
    func aSubscriberIsToldWhatItMissed(form: WireForm) {
        let world = world(.dropNewest, limit: 9)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a", form: form)
        transport[1].room = 0
        for _ in 0..<2 {
            for number in 0..<5 { hub.deliver("a", "\(number)") }
            hub.flush()
        }
        transport[1].room = nil
        hub.makeRoom(slot)
        let (texts, _) = parseFrames(transport.bytes(1))
        let missed = texts.filter { $0.contains("missed") }
        if form.isNaming {
            // A message is "a: 0", 6 bytes as a frame: one fits.
            #expect(texts.count == 2)
            #expect(missed == ["missed of a: 9"])
        } else {
            #expect(missed.isEmpty)
        }
        #expect(hub.takeCounts().settled == 10)
        #expect(hub.queuedBytes == 0)
    }

    @Test(arguments: [true, false]) func dropsAreReportedIfThatIsAskedFor(isReported: Bool) {
        let world = world(.dropNewest, limit: 9)
        let (hub, transport) = (world.hub, world.transport)
        hub.reportDrops(isReported)
        let slot = hub.connect(1, "a")
        transport[1].room = 0
        for turn in 0..<2 {
            for number in 0..<5 { hub.deliver("a", "\(turn)\(number)") }
            hub.flush()
        }
        let drops = transport.events.compactMap { event -> Int? in
            if case .dropped(slot, let count) = event { count } else { nil }
        }
        #expect(drops.reduce(0, +) == (isReported ? 8 : 0))
    }

    @Test func aSubscriberWithoutFramesIsToldWhatItMissed() {
        let world = world(.dropNewest, limit: 4)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a", form: .bare)
        transport[1].room = 2
        for number in 0..<5 { hub.deliver("a", "\(number)") }
        hub.flush()
        transport[1].room = nil
        hub.makeRoom(slot)
        #expect(String(decoding: transport.bytes(1), as: UTF8.self) == "a: 0missed of a: 4")
        #expect(hub.takeCounts().settled == 5)
    }

    /// Notices do not pile up for a client that never catches up.
    @Test func noticesDoNotPileUp() {
        let world = world(.dropOldest, limit: 60)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a", form: .naming())
        transport[1].room = 0
        for number in 0..<500 {
            hub.deliver("a", "\(number % 10)")
            hub.flush()
            transport[1].room = 3
            hub.makeRoom(slot)
        }
        #expect(hub.queuedBytes(of: slot) < 60 + 60)
        transport[1].room = nil
        hub.makeRoom(slot)
        hub.flush()
        let (texts, _) = parseFrames(transport.bytes(1))
        let missed = texts.filter { $0.contains("missed") }.compactMap { Int($0.split(separator: " ").last ?? "") }
        #expect(missed.reduce(0, +) + texts.count - missed.count == 500)
    }
}
