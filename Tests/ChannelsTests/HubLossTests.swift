import Testing

@testable import Channels

@Suite struct HubLossTests {
    let world = World(outboxLimitBytes: 8)
    var hub: Hub { world.hub }
    var transport: FakeTransport { world.transport }

    private var losses: [FakeTransport.Event] {
        transport.events.filter { if case .lost = $0 { true } else { false } }
    }

    @Test func failedSendsAreReportedOnceAtTheEndOfTheFlush() {
        let slots = (Int32(1)...6).map { $0 < 5 ? hub.connect($0, "a") : hub.connect($0, "a", "b") }
        transport[2].failure = 32
        transport[5].failure = 104
        transport[3].room = 0
        hub.deliver("a", "one", "two")
        hub.deliver("b", "three")
        hub.flush()
        #expect(
            Set(losses.map { "\($0)" })
                == Set([
                    "\(FakeTransport.Event.lost(slots[1], .failed(32)))",
                    "\(FakeTransport.Event.lost(slots[4], .failed(104)))",
                    "\(FakeTransport.Event.lost(slots[2], .overflow))",
                ]))
        #expect(losses.count == 3)
        hub.deliver("a", "four")
        hub.flush()
        #expect(losses.count == 3)
        for link in [1, 4] as [Int32] { #expect(transport.bytes(link) == textFrames("one", "two", "four")) }
        for link in [2, 3, 5] as [Int32] { #expect(transport.bytes(link).isEmpty) }
        for slot in slots { hub.remove(slot) }
        #expect(hub.takeCounts().settled == 3 * 6 + 2)
        #expect(hub.queuedBytes == 0)
    }

    @Test func aFailureWhileTheRestIsWrittenIsReportedOnce() {
        let slot = hub.connect(1, "a")
        transport[1].room = 1
        hub.deliver("a", "one")
        hub.flush()
        transport[1].failure = 32
        _ = transport.takeEvents()
        hub.makeRoom(slot)
        #expect(transport.takeEvents() == [.broken(1), .lost(slot, .failed(32))])
        hub.flush()
        hub.makeRoom(slot)
        #expect(transport.takeEvents().isEmpty)
        hub.remove(slot)
        #expect(hub.takeCounts().settled == 1)
        #expect(hub.queuedBytes == 0)
    }

    /// A connection may be removed while its event is handled.
    @Test func lostConnectionsMayBeRemovedWhenTheyAreReported() {
        for link in Int32(1)...20 {
            if link % 2 == 0 { transport[link].failure = link }
            _ = link % 3 == 0 ? hub.connect(link, "a", "b") : hub.connect(link, "a")
        }
        hub.deliver("a", "one")
        hub.deliver("b", "two")
        world.turn { slot, event in if case .lost = event { hub.remove(slot) } }
        #expect(losses.count == 10)
        #expect(hub.subscriptionCount == 10 + 3)
        #expect(hub.takeCounts().settled == 20 + 6)
        #expect(hub.queuedBytes == 0)
    }

    /// A removed connection is not reported, and neither is the one that now has its slot.
    @Test func aLossIsNotReportedToTheNextTenant() {
        let slot = hub.connect(1, "a")
        transport[1].failure = 32
        hub.deliver("a", "one")
        hub.flush()
        hub.remove(slot)
        #expect(hub.connect(3, "a") != slot, "an event may still name it")
        #expect(losses.isEmpty)
        #expect(hub.connect(4, "a") == slot)
        hub.deliver("a", "two")
        hub.flush()
        #expect(losses.isEmpty)
        #expect(transport.bytes(3) == textFrames("two"))
    }

    @Test func theNextTenantsOwnLossIsReportedOnce() {
        let slot = hub.connect(1, "a")
        transport[1].failure = 32
        hub.deliver("a", "one")
        hub.flush()
        hub.remove(slot)
        #expect(losses.isEmpty)
        #expect(hub.connect(3, "a") == slot)
        transport[3].failure = 104
        hub.deliver("a", "two")
        hub.flush()
        #expect(losses == [.lost(slot, .failed(104))])
    }

    /// Handling an event may queue replies: the hub says that another flush is due.
    @Test func aReplyToAnEventWaitsForTheNextFlush() {
        _ = hub.connect(1, "a")
        let other = hub.connect(2, "a")
        transport[1].failure = 32
        hub.deliver("a", "one")
        world.turn { _, event in if case .lost = event { hub.reply(other, "it left") } }
        #expect(transport.bytes(2) == textFrames("one"))
        #expect(hub.hasMarked)
        hub.flush()
        #expect(!hub.hasMarked)
        #expect(transport.bytes(2) == textFrames("one", "it left"))
    }
}
