import Testing

@testable import Channels

/// Messages for one connection, and for all but one.
@Suite struct HubDirectTests {
    let world = World(outboxLimitBytes: 30)
    var hub: Hub { world.hub }
    var transport: FakeTransport { world.transport }

    @Test func aMessageForOneConnectionReachesItOnly() {
        let one = hub.connect(1, "a")
        let two = hub.connect(2, "a", form: .naming())
        hub.send(message("", "hi"), to: one)
        hub.send(message("", "hi"), to: two)
        hub.flush()
        #expect(transport.bytes(1) == textFrames("hi"))
        #expect(transport.bytes(2) == textFrames(": hi"))
        #expect(hub.takeCounts().deliveries == 2)
    }

    @Test func itCountsTowardsTheLimit() {
        let slot = hub.connect(1)
        transport[1].room = 0
        for _ in 0..<3 { hub.send(message("", "message1"), to: slot) }
        hub.flush()
        #expect(hub.queuedBytes(of: slot) == 30)
        hub.send(message("", "message1"), to: slot)
        hub.flush()
        #expect(transport.events.last == .lost(slot, .overflow) && hub.queuedBytes == 0)
    }

    @Test(arguments: [WireForm(), .naming()])
    func aConnectionIsLeftOut(form: WireForm) {
        let slots = [hub.connect(1, "a", form: form), hub.connect(2, "a", form: form)]
        hub.deliver("a", "1")
        hub.deliver(message("a", "2"), except: [slots[1]])
        hub.deliver("a", "3")
        hub.deliver(message("a", "4"), except: [slots[1]])
        hub.flush()
        hub.deliver(message("a", "5"), except: [slots[1]])
        hub.flush()
        hub.deliver("a", "6")
        hub.flush()
        let texts = [Int32(1), 2].map { parseFrames(transport.bytes($0)).texts.map { String($0.suffix(1)) } }
        #expect(texts == [["1", "2", "3", "4", "5", "6"], ["1", "3", "6"]])
    }

    @Test func aConnectionThatIsNoSubscriberChangesNothing() {
        let (one, other) = (hub.connect(1, "a"), hub.connect(2, "b"))
        hub.deliver(message("a", "1"), except: [other])
        hub.leave(one, "a")
        hub.deliver(message("a", "2"), except: [one])
        hub.flush()
        #expect(transport.bytes(1) == textFrames("1") && transport.bytes(2).isEmpty)
    }
}
