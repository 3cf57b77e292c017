import TestSupport
import Testing

@testable import Channels

/// Subscribers whose messages have prefixes of their own, beside others.
@Suite struct HubPrefixTests {
    let world = World(outboxLimitBytes: 100)
    var hub: Hub { world.hub }
    var transport: FakeTransport { world.transport }

    private func connect(_ link: Int32, _ channels: String...) -> UInt32 {
        let slot = hub.add(link: link)
        hub.setForm(.prefixed, of: slot)
        hub.setPrefix(NumberPrefix(), of: slot)
        for channel in channels { hub.join(slot, channel) }
        return slot
    }

    private func text(_ link: Int32) -> String { String(decoding: transport.bytes(link), as: UTF8.self) }

    @Test func messagesOfAllChannelsComeInTheirOrder() {
        _ = (connect(1, "a", "b"), connect(2, "b"), hub.connect(3, "a", form: .bare))
        hub.deliver("a", "x")
        hub.deliver("b", "y")
        hub.deliver("a", "z")
        hub.flush()
        #expect(text(1) == "1 a: x2 b: y3 a: z")
        #expect(text(2) == "1 b: y")
        #expect(text(3) == "a: xa: z")
        #expect(hub.takeCounts().settled == 6)
    }

    @Test func theExcludedOneGetsNothing() {
        let slot = connect(1, "a")
        _ = connect(2, "a")
        hub.deliver(message("a", "x"), except: [slot])
        hub.deliver("a", "y")
        hub.flush()
        #expect(text(1) == "1 a: y")
        #expect(text(2) == "1 a: x2 a: y")
    }

    @Test func pastMessagesCountToo() {
        let slot = connect(1)
        hub.join(slot, "a", after: [message("a", "past")])
        hub.deliver("a", "live")
        hub.flush()
        #expect(text(1) == "1 a: past2 a: live")
    }

    @Test func whoHasLeftGetsNoMore() {
        let slot = connect(1, "a", "b")
        hub.deliver("a", "x")
        hub.leave(slot, "a")
        hub.deliver("a", "y")
        hub.deliver("b", "z")
        hub.flush()
        #expect(text(1) == "1 a: x2 b: z")
        hub.remove(slot)
        #expect(hub.prefixes.isEmpty)
    }

    @Test func noticesComeInBetween() {
        _ = connect(1, "a", "b")
        hub.deliver("a", "x")
        hub.tell(.gap(seconds: 1), of: "a")
        hub.deliver("a", "y")
        hub.flush()
        #expect(text(1) == "1 a: xgap in a: 1.0 s2 a: y")
    }

    @Test func theirQueuesHaveTheSameLimit() {
        let slot = connect(1, "a", "b")
        transport[1].room = 0
        for number in 0..<30 {
            hub.deliver(number.isMultiple(of: 2) ? "a" : "b", "message")
            hub.flush()
            #expect(hub.queuedBytes(of: slot) <= 100)
        }
        #expect(transport.events.contains { if case .lost(slot, _) = $0 { true } else { false } })
    }
}
