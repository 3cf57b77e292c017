import TestSupport
import Testing

@testable import Channels

@Suite struct HubMembershipTests {
    let world = World()
    var hub: Hub { world.hub }
    var transport: FakeTransport { world.transport }

    @Test func joinAndLeaveTellWhetherTheyChangedAnything() {
        let slot = hub.add(link: 1)
        #expect(hub.join(slot, "a"))
        #expect(!hub.join(slot, "a"))
        #expect(hub.isMember(slot, of: "a"))
        #expect(!hub.isMember(slot, of: "b"))
        #expect(!hub.leave(slot, "b"))
        #expect(hub.leave(slot, "a"))
        #expect(!hub.leave(slot, "a"))
        #expect(hub.channelCount == 0)
        #expect(hub.subscriptionCount == 0)
    }

    /// Compares random joins and leaves with sets: who is subscribed to what, and who gets a message.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func membershipsBehaveLikeSets(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let channels = (0..<7).map { "channel \($0)" }
        let slots = (Int32(0)..<12).map { hub.connect($0, form: WireForm(encoder: $0 % 3 == 0 ? 1 : 0)) }
        var model: [UInt32: Set<String>] = [:]
        for _ in 0..<400 {
            let slot = slots[Int.random(in: 0..<12, using: &random)]
            let channel = channels[Int.random(in: 0..<7, using: &random)]
            switch Int.random(in: 0..<20, using: &random) {
            case ..<11: #expect(hub.join(slot, channel) == model[slot, default: []].insert(channel).inserted)
            case ..<19: #expect(hub.leave(slot, channel) == (model[slot, default: []].remove(channel) != nil))
            default:
                hub.leaveAll(slot)
                model[slot] = []
            }
            #expect(Set(hub.channelNames(of: slot)) == model[slot, default: []])
            #expect(hub.channelCount(of: slot) == model[slot, default: []].count)
        }
        #expect(hub.subscriptionCount == model.values.reduce(0) { $0 + $1.count })
        #expect(hub.channelCount == model.values.reduce(into: Set()) { $0.formUnion($1) }.count)
        for channel in channels { hub.deliver(channel, channel) }
        hub.flush()
        for (link, slot) in zip(Int32(0)..., slots) {
            let texts = link % 3 == 0 ? channels.map { NamingEncoder.text($0, $0) } : channels
            let expected = zip(channels, texts).filter { model[slot, default: []].contains($0.0) }.map(\.1)
            #expect(parseFrames(transport.bytes(link)).texts.sorted() == expected.sorted())
        }
    }

    /// Names are bytes, as in Redis: Unicode equivalence, which Swift strings use, would mix channels up.
    @Test(arguments: [("caf\u{E9}", "cafe\u{301}"), ("a\u{301}\u{323}", "a\u{323}\u{301}"), ("\u{212B}", "\u{C5}")])
    func channelsWhoseNamesLookTheSameAreDifferent(composed: String, decomposed: String) {
        #expect(composed == decomposed)
        let (one, two) = (hub.connect(1, composed), hub.connect(2, decomposed))
        #expect(hub.channelCount == 2)
        #expect(!hub.isMember(one, of: decomposed))
        #expect(hub.channelNames(of: two).map { Array($0.utf8) } == [Array(decomposed.utf8)])
        hub.deliver(composed, "one")
        hub.deliver(decomposed, "two")
        hub.flush()
        #expect(transport.bytes(1) == textFrames("one"))
        #expect(transport.bytes(2) == textFrames("two"))
        hub.leave(one, composed)
        #expect(hub.isMember(two, of: decomposed))
    }

    @Test func aChannelThatWasLeftByAllStartsAfresh() {
        let slot = hub.connect(1, "a")
        hub.deliver("a", "one")
        hub.leave(slot, "a")
        #expect(hub.channelCount == 0)
        hub.deliver("a", "nobody")
        hub.join(slot, "b")
        hub.join(slot, "a")
        hub.deliver("a", "two")
        hub.deliver("b", "three")
        hub.flush()
        #expect(parseFrames(transport.bytes(1)).texts.sorted() == ["one", "three", "two"])
    }
}

@Suite struct HubSlotTests {
    let world = World()
    var hub: Hub { world.hub }
    var transport: FakeTransport { world.transport }

    @Test(arguments: [[], ["a"], ["a", "b"]])
    func removingAQueueForgetsAndCountsIt(channels: [String]) {
        let slot = hub.connect(1)
        for channel in channels { hub.join(slot, channel) }
        transport[1].room = 4
        hub.reply(slot, "reply")
        for channel in channels { hub.deliver(channel, "message") }
        hub.flush()
        #expect(hub.queuedBytes > 0)
        hub.remove(slot)
        #expect(hub.queuedBytes == 0)
        #expect(hub.subscriptionCount == 0)
        #expect(hub.takeCounts().droppedByClosing == channels.count)
    }

    /// Messages of the same turn are not written to a connection that ends, but are counted.
    @Test(arguments: [["a"], ["a", "b"]])
    func removingADirtySubscriber(channels: [String]) {
        let slot = hub.connect(1)
        let other = hub.connect(2)
        for channel in channels {
            hub.join(slot, channel)
            hub.join(other, channel)
            hub.deliver(channel, channel + "1", channel + "2")
        }
        hub.remove(slot)
        hub.flush()
        #expect(transport.bytes(1).isEmpty)
        #expect(parseFrames(transport.bytes(2)).texts.sorted() == channels.flatMap { [$0 + "1", $0 + "2"] })
        let counts = hub.takeCounts()
        #expect(counts.deliveries == 2 * channels.count)
        #expect(counts.droppedByClosing == 2 * channels.count)
    }

    /// The slot is marked, blocked, lost or dirty when its user changes, in the same turn or with a flush between.
    @Test(arguments: ["marked", "blocked", "lost", "dirty", "idle"], [true, false])
    func theNextTenantInheritsNothing(state: String, sameTurn: Bool) {
        let slot = hub.connect(1, "a", "b", form: .naming())
        if state == "blocked" { transport[1].room = 3 }
        if state == "lost" { transport[1].failure = 32 }
        if state != "idle" { hub.deliver("a", "old") }
        if state == "marked" { hub.reply(slot, "old reply") }
        if state == "blocked" || state == "lost" { hub.flush() }
        hub.remove(slot)
        if !sameTurn { hub.flush() }
        _ = transport.events  // a slot is reused after the events that may refer to it were taken
        #expect(hub.add(link: 7) == slot)
        #expect(hub.channelCount(of: slot) == 0)
        #expect(hub.queuedBytes(of: slot) == 0)
        hub.deliver("a", "not for it")
        hub.flush()
        hub.makeRoom(slot)
        #expect(transport.bytes(7).isEmpty)
        hub.reply(slot, "welcome")
        hub.flush()
        #expect(transport.bytes(7) == textFrames("welcome"))
        hub.join(slot, "a")
        hub.deliver("a", "new")
        hub.flush()
        #expect(transport.bytes(7) == textFrames("welcome", "new"))
        #expect(transport.events.count { $0 == .sent(7, bytes: 9) } == 1)
    }

    @Test func slotsAreUsedAgain() {
        for round in Int32(0)..<50 {
            let slots = (Int32(0)..<4).map { hub.connect(round * 4 + $0, "a") }
            #expect(Set(slots) == [0, 1, 2, 3])
            for slot in slots { hub.remove(slot) }
            #expect(transport.events.isEmpty)
        }
        #expect(hub.channelCount == 0)
    }
}

@Suite struct HubMemoryTests {
    @Test func aSubscriberIsSmall() {
        #expect(MemoryLayout<Subscriber>.stride <= 32)
    }

    @Test func aConnectionThatWaitsForNothingOwnsNoOutbox() {
        let world = World()
        let slot = world.hub.connect(1, "a", "b")
        world.hub.deliver("a", "one")
        world.hub.reply(slot, "two")
        world.hub.flush()
        #expect(world.hub.subscribers[slot].outbox == nil)
    }

    @Test func theHubDoesNotKeepItsTransportAlive() {
        let hub = Hub(outboxLimitBytes: 10)
        weak var transport: FakeTransport?
        do {
            let made = FakeTransport()
            transport = made
            hub.attach(made)
        }
        #expect(transport == nil)
    }
}
