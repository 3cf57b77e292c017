import Testing

@testable import Channels

/// Subscriptions to all channels that begin alike; `HubModelTests` has them in random order.
@Suite struct HubWildcardTests {
    private func texts(_ world: World, _ link: Int32) -> [String] { parseFrames(world.transport.bytes(link)).texts }

    @Test func messagesCarryTheRealChannel() {
        let world = World()
        _ = world.hub.connect(1, "a.*", form: .naming())
        _ = world.hub.connect(2, "*", form: .naming())
        for channel in ["a.b", "a.", "a", "b"] { world.hub.deliver(channel, "x") }
        world.hub.flush()
        #expect(texts(world, 1) == ["a.b: x", "a.: x"])
        #expect(texts(world, 2) == ["a.b: x", "a.: x", "a: x", "b: x"])
    }

    @Test func aMessageComesOnceAndInOrderWhateverIsJoinedAndLeft() {
        let world = World()
        let hub = world.hub
        let slot = hub.connect(1, "a.b")
        hub.deliver("a.b", "1")
        hub.join(slot, "a.*")
        hub.deliver("a.b", "2")
        hub.join(slot, "*")
        hub.deliver("a.b", "3")
        hub.leave(slot, "a.*")
        hub.deliver("a.b", "4")
        hub.flush()
        hub.leave(slot, "*")
        hub.deliver("a.b", "5")
        hub.deliver("a.c", "of nobody")
        hub.flush()
        #expect(texts(world, 1) == ["1", "2", "3", "4", "5"])
        hub.leave(slot, "a.b")
        #expect(hub.channelCount == 0 && hub.subscriptionCount == 0)
    }

    @Test func anExcludedConnectionGetsItByNoWildcard() {
        let world = World()
        let hub = world.hub
        let slot = hub.connect(1, "a.b", "a.*")
        _ = hub.connect(2, "a.*")
        hub.deliver("a.b", "1")
        hub.deliver(message("a.b", "2"), except: [slot])
        hub.deliver("a.b", "3")
        hub.flush()
        #expect(texts(world, 1) == ["1", "3"])
        #expect(texts(world, 2) == ["1", "2", "3"])
        #expect(hub.receives(slot, "a.c") && !hub.isMember(slot, of: "a.c") && !hub.receives(slot, "b"))
    }

    @Test func aNoticeOfACoveredChannelComesAfterTheMessagesSoFar() {
        let world = World()
        _ = world.hub.connect(1, "a.b", "a.*", form: .naming())
        world.hub.deliver("a.b", "1")
        world.hub.tell(.lost(next: StreamPosition(epoch: "e", offset: 7)), of: "a.b")
        world.hub.deliver("a.b", "2")
        world.hub.flush()
        #expect(texts(world, 1) == ["a.b: 1", "lost in a.b, next is after e:7", "a.b: 2"])
    }

    @Test func conflationKeepsTheNewestOfEachChannel() {
        let world = World(outboxLimitBytes: 1000, policies: SlowConsumerPolicies(.conflate))
        let slot = world.hub.connect(1, "a.*", form: .naming())
        world.transport[1].room = 0
        for text in ["1", "2"] {
            for channel in ["a.b", "a.c"] { world.hub.deliver(channel, text) }
            world.hub.flush()
        }
        world.transport[1].room = nil
        world.hub.makeRoom(slot)
        #expect(texts(world, 1) == ["a.b: 2", "a.c: 2", "missed of a.*: 2"])
    }
}
