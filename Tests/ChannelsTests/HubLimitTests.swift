import Testing

@testable import Channels

/// Messages here are frames of ten bytes.
private func tenBytes(_ number: Int) -> String { "message\(number)" }

@Suite struct HubLimitTests {
    /// The kernel accepts nothing: up to the limit everything is kept, one byte more drops everything.
    @Test(arguments: [(30, false), (29, true), (31, false), (0, true)])
    func theLimitIsStrict(limit: Int, isLost: Bool) {
        let world = World(outboxLimitBytes: limit)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 0
        let next = hub.nextBatch()
        for number in 0..<3 { hub.deliver("a", tenBytes(number)) }
        hub.flush()
        #expect(transport.events.last == (isLost ? .lost(slot, .overflow) : .blocked(slot)))
        #expect(hub.queuedBytes(of: slot) == (isLost ? 0 : 30))
        #expect(hub.queuedBytes == (isLost ? 0 : 30))
        #expect(next.byteCount == (isLost ? 0 : 30))
        #expect(hub.takeCounts().droppedBySlowConsumers == (isLost ? 3 : 0))
    }

    @Test(arguments: [1, 2])
    func theLimitHoldsAcrossTurnsAndChannels(channels: Int) {
        let world = World(outboxLimitBytes: 40)
        let (hub, transport) = (world.hub, world.transport)
        let slot = channels == 1 ? hub.connect(1, "a") : hub.connect(1, "a", "b")
        transport[1].room = 0
        for number in 0..<4 {
            hub.deliver(channels == 2 && number % 2 == 1 ? "b" : "a", tenBytes(number))
            hub.flush()
        }
        #expect(hub.queuedBytes == 40)
        #expect(!transport.takeEvents().contains(.lost(slot, .overflow)))
        hub.deliver("a", "")
        hub.flush()
        #expect(transport.takeEvents() == [.lost(slot, .overflow)])
        #expect(hub.queuedBytes == 0)
        #expect(hub.takeCounts().droppedBySlowConsumers == 5)
    }

    /// More than the limit may be written in one turn, if the kernel accepts it.
    @Test(arguments: [1, 2])
    func theLimitIsForWhatTheKernelDidNotTake(channels: Int) {
        let world = World(outboxLimitBytes: 10)
        let (hub, transport) = (world.hub, world.transport)
        let slot = channels == 1 ? hub.connect(1, "a") : hub.connect(1, "a", "b")
        transport[1].room = 40
        for number in 0..<5 { hub.deliver("a", tenBytes(number)) }
        hub.flush()
        #expect(transport.events.last == .blocked(slot))
        #expect(hub.queuedBytes(of: slot) == 10)
        #expect(hub.takeCounts().deliveries == 4)
    }

    /// A connection that accepts a part at a time is not full, and loses nothing that it would accept.
    @Test(arguments: [1, 2], [3, 10, 25])
    func aPortionIsNoSignOfABlockedConnection(channels: Int, portionBytes: Int) {
        let world = World(outboxLimitBytes: 10)
        let (hub, transport) = (world.hub, world.transport)
        let slot = channels == 1 ? hub.connect(1, "a") : hub.connect(1, "a", "b")
        transport.portionBytes = portionBytes
        for number in 0..<5 { hub.deliver("a", tenBytes(number)) }
        hub.flush()
        #expect(transport.bytes(1) == (0..<5).flatMap { textFrame(tenBytes($0)) })
        #expect(!transport.events.contains(.blocked(slot)))
        #expect(hub.queuedBytes == 0)
        #expect(hub.takeCounts().deliveries == 5)
    }

    @Test(arguments: 0...30)
    func onlyTheRestOfABegunFrameIsKept(sent: Int) {
        let world = World(outboxLimitBytes: 25)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a", "b")
        transport[1].room = sent
        for number in 0..<3 { hub.deliver("a", tenBytes(number)) }
        for number in 3..<6 { hub.deliver("b", tenBytes(number)) }
        hub.flush()
        let rest = (10 - sent % 10) % 10
        #expect(transport.events.last == .lost(slot, .overflow))
        #expect(hub.queuedBytes(of: slot) == rest)
        #expect(hub.queuedBytes == rest)
        #expect(hub.takeCounts().droppedBySlowConsumers == 6 - (sent + 9) / 10)
        hub.reply(slot, "bye")
        transport[1].room = nil
        hub.makeRoom(slot)
        let (texts, cut) = parseFrames(transport.bytes(1))
        #expect(texts == (0..<(sent + 9) / 10).map(tenBytes) + ["bye"])
        #expect(cut.isEmpty)
        #expect(transport.events.last == .drained(slot))
        hub.remove(slot)
    }

    /// A connection that joined in the middle of a turn gets a part of its batch, which is held completely.
    @Test func whatIsHeldAddsUpAfterAJoinInTheMiddleOfATurn() {
        let world = World(outboxLimitBytes: 1, policies: SlowConsumerPolicies(.dropOldest))
        let (hub, transport) = (world.hub, world.transport)
        _ = hub.connect(1, "b")
        let slot = hub.connect(2, "a")
        transport[2].room = 0
        hub.deliver("a", "dropped")
        hub.flush()
        hub.deliver("b", "before")
        hub.join(slot, "b")
        hub.deliver("b", "dropped too")
        hub.flush()
        #expect(hub.queuedBytes == 0)
        #expect(hub.heldBytes == 0)
    }

    /// A message that was begun is finished, even if its rest alone exceeds the limit.
    @Test(arguments: [50, 49, 1])
    func aBegunFrameIsFinishedWhateverTheLimit(limit: Int) {
        let world = World(outboxLimitBytes: limit)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 6
        hub.deliver("a", String(repeating: "x", count: 54), "y")
        hub.flush()
        #expect(transport.events.last == .lost(slot, .overflow))
        #expect(hub.queuedBytes == 50)
        #expect(hub.heldBytes >= 56, "the batch is in memory as a whole until its end is sent")
        #expect(hub.takeCounts().droppedBySlowConsumers == 1)
        transport[1].room = nil
        hub.makeRoom(slot)
        #expect(parseFrames(transport.bytes(1)).texts == [String(repeating: "x", count: 54)])
    }

    /// Over the budget, a message that was begun is dropped too if nothing else is left.
    @Test func sheddingCutsABegunFrameAtLast() {
        let world = World()
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 6
        hub.deliver("a", String(repeating: "x", count: 54), "y")
        hub.flush()
        let next = hub.nextBatch()
        hub.shed(bytes: 53)
        #expect(transport.takeEvents().last == .lost(slot, .overBudget(midFrame: true)))
        #expect(hub.queuedBytes == 0)
        #expect(next.byteCount == 0)
        #expect(hub.takeCounts().dropped[DropCause.overBudget.rawValue] == 2)
    }

    @Test func repliesDoNotCountTowardsTheLimit() {
        let world = World(outboxLimitBytes: 20)
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 0
        for number in 0..<10 { hub.reply(slot, tenBytes(number)) }
        hub.deliver("a", "message0", "message1")
        hub.flush()
        hub.reply(slot, "more")
        hub.flush()
        #expect(hub.queuedBytes(of: slot) == 126)
        #expect(transport.events.count { $0 == .blocked(slot) } == 1)
        #expect(transport.events.last == .blocked(slot))
        hub.deliver("a", "x")
        hub.flush()
        #expect(transport.events.last == .lost(slot, .overflow))
        #expect(hub.takeCounts().settled == 3)
    }

    @Test func aLostSubscriberGetsNothingMore() {
        let world = World(outboxLimitBytes: 5)
        let (hub, transport) = (world.hub, world.transport)
        let (slow, other) = (hub.connect(1, "a", "b"), hub.connect(2, "a"))
        transport[1].room = 0
        hub.deliver("a", "message0")
        hub.flush()
        transport[1].room = nil
        #expect(transport.takeEvents().count { $0 == .lost(slow, .overflow) } == 1)
        hub.deliver("a", "message1")
        hub.deliver("b", "message2")
        hub.flush()
        hub.makeRoom(slow)
        hub.deliver("b", "message3")
        hub.flush()
        #expect(transport.bytes(1).isEmpty)
        #expect(parseFrames(transport.bytes(2)).texts == ["message0", "message1"])
        #expect(!transport.takeEvents().contains(.lost(slow, .overflow)))
        hub.remove(slow)
        hub.remove(other)
        #expect(hub.takeCounts().settled == 6)
    }

    /// Over the server's budget the largest queues are dropped first, and no more than necessary.
    @Test(arguments: [(0, 0), (1, 1), (50, 1), (51, 2), (90, 2), (91, 3), (120, 3), (121, 4), (140, 4), (10_000, 5)])
    func sheddingDropsTheLargestQueues(bytes: Int, expected: Int) {
        let world = World()
        let (hub, transport) = (world.hub, world.transport)
        // Queues of 10, 20, 30, 40 and 50 bytes, and a connection that is not blocked.
        let counts = [3, 1, 5, 2, 4]
        for (link, count) in zip(Int32(0)..., counts) {
            transport[link].room = 0
            _ = hub.connect(link, "\(count)")
            for number in 0..<count { hub.deliver("\(count)", tenBytes(number)) }
        }
        _ = hub.connect(9, "5")
        hub.flush()
        _ = transport.takeEvents()
        hub.shed(bytes: bytes)
        let lost = [2, 4, 0, 3, 1].prefix(expected) as ArraySlice<UInt32>
        let reported = transport.takeEvents()
        #expect(reported.count == expected)
        for slot in lost { #expect(reported.contains(.lost(slot, .overBudget(midFrame: false)))) }
        #expect(hub.queuedBytes == [150, 100, 60, 30, 10, 0][expected])
        #expect(hub.takeCounts().droppedBySlowConsumers == [0, 5, 9, 12, 14, 15][expected])
        hub.shed(bytes: 0)
        #expect(transport.takeEvents().isEmpty)
    }

    @Test func sheddingLeavesTheRestOfABegunFrame() {
        let world = World()
        let (hub, transport) = (world.hub, world.transport)
        let slot = hub.connect(1, "a")
        transport[1].room = 13
        for number in 0..<5 { hub.deliver("a", tenBytes(number)) }
        hub.flush()
        hub.shed(bytes: 1)
        #expect(transport.events.last == .lost(slot, .overBudget(midFrame: false)))
        #expect(hub.queuedBytes == 7)
        transport[1].room = nil
        hub.makeRoom(slot)
        #expect(parseFrames(transport.bytes(1)).texts == ["message0", "message1"])
        #expect(hub.takeCounts().settled == 5)
    }
}
