import Testing

@testable import Channels

/// Six frames of ten bytes.
private let texts = (0..<6).map { "message\($0)" }
private let frames = texts.flatMap { textFrame($0) }

@Suite struct HubBackpressureTests {
    /// However many bytes the kernel accepts at first and then each time, the rest arrives once and in order.
    @Test(arguments: [1, 2, 7, 10, 13, 59, 60])
    func theRestArrivesWhenThereIsRoom(step: Int) {
        for first in 0..<frames.count {
            let world = World()
            let (hub, transport) = (world.hub, world.transport)
            let slot = hub.connect(1, "a")
            transport[1].room = first
            for text in texts { hub.deliver("a", text) }
            hub.flush()
            #expect(transport.bytes(1) == Array(frames.prefix(first)))
            #expect(hub.queuedBytes == frames.count - first)
            #expect(hub.takeCounts().deliveries == first / 10)
            #expect(transport.takeEvents().count { $0 == .blocked(slot) } == 1)
            hub.flush()
            #expect(transport.takeEvents().isEmpty, "a blocked connection is left alone")
            while hub.queuedBytes > 0 {
                transport[1].room = step
                hub.makeRoom(slot)
            }
            #expect(transport.bytes(1) == frames)
            #expect(transport.takeEvents().last == .drained(slot))
            #expect(hub.takeCounts().deliveries == texts.count - first / 10)
            hub.makeRoom(slot)
            #expect(transport.takeEvents().isEmpty, "it is not blocked any more")
        }
    }

    @Test func whatIsPublishedMeanwhileComesBehind() {
        let world = World()
        let (hub, transport) = (world.hub, world.transport)
        let (slow, other) = (hub.connect(1, "a"), hub.connect(2, "a", "b"))
        transport[1].room = 4
        transport[2].room = 0
        for text in texts {
            hub.deliver("a", text)
            hub.flush()
            hub.reply(slow, "r-" + text)
        }
        hub.deliver("b", "b")
        hub.flush()
        transport[1].room = nil
        transport[2].room = nil
        hub.makeRoom(slow)
        hub.makeRoom(other)
        #expect(parseFrames(transport.bytes(1)).texts == texts.flatMap { [$0, "r-" + $0] })
        #expect(parseFrames(transport.bytes(2)).texts == texts + ["b"])
        #expect(hub.queuedBytes == 0)
        #expect(hub.takeCounts().settled == 13)
    }

    @Test func aThousandStalledSubscribersShareOneCopy() {
        let world = World()
        let (hub, transport) = (world.hub, world.transport)
        for link in Int32(1)...1_000 {
            transport[link].room = 0
            _ = hub.connect(link, "a")
        }
        let next = hub.nextBatch()
        hub.deliver("a", "x")
        hub.flush()
        #expect(hub.queuedBytes == 3_000)
        #expect(Set((UInt32(0)..<1_000).flatMap { hub.pieceAddresses(of: $0) }).count == 1)
        for slot in UInt32(0)..<1_000 {
            #expect(next.byteCount == 3)
            hub.remove(slot)
        }
        #expect(next.byteCount == 0)
        #expect(hub.queuedBytes == 0)
        #expect(hub.takeCounts().droppedByClosing == 1_000)
    }
}
