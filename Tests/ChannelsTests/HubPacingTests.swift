import Testing

@testable import Channels

@Suite struct HubPacingTests {
    let world = World()
    var hub: Hub { world.hub }
    var transport: FakeTransport { world.transport }

    /// Makes a channel busy: two messages in one flush.
    private func makeBusy(_ channel: String) {
        hub.deliver(channel, "1", "2")
        hub.flush()
    }

    @Test func onlyBusyChannelsAreHeld() {
        _ = hub.connect(1, "busy")
        _ = hub.connect(2, "quiet")
        makeBusy("busy")
        #expect(hub.busyChannelsFlushed == 1)
        hub.deliver("busy", "3")
        hub.deliver("quiet", "one")
        hub.flush(holdingBusy: true)
        #expect(hub.holdsChannels)
        #expect(hub.busyChannelsFlushed == 0)
        #expect(transport.bytes(1) == textFrames("1", "2"))
        #expect(transport.bytes(2) == textFrames("one"))
        hub.deliver("busy", "4")
        hub.flush()
        #expect(!hub.holdsChannels)
        #expect(transport.bytes(1) == textFrames("1", "2", "3", "4"))
        #expect(transport.bytes(2) == textFrames("one"))
    }

    @Test func aChannelIsBusyByItsLastFlush() {
        _ = hub.connect(1, "a")
        makeBusy("a")
        hub.deliver("a", "3")
        hub.flush()
        #expect(hub.busyChannelsFlushed == 0)
        hub.deliver("a", "4")
        hub.flush(holdingBusy: true)
        #expect(!hub.holdsChannels)
        #expect(transport.bytes(1) == textFrames("1", "2", "3", "4"))
    }

    /// Waiting for more messages would save nothing: for large messages the bytes are what costs.
    @Test(arguments: [(8_192, true), (8_193, false)])
    func largeMessagesDoNotMakeAChannelBusy(bytes: Int, isBusy: Bool) {
        _ = hub.connect(1, "a")
        let text = String(repeating: "x", count: bytes)
        hub.deliver("a", text, text)
        hub.flush()
        #expect(hub.busyChannelsFlushed == (isBusy ? 1 : 0))
        hub.deliver("a", "next")
        hub.flush(holdingBusy: true)
        #expect(hub.holdsChannels == isBusy)
    }

    @Test func repliesAreNotHeld() {
        let slot = hub.connect(1, "a")
        makeBusy("a")
        hub.deliver("a", "3")
        hub.reply(slot, "pong")
        hub.flush(holdingBusy: true)
        #expect(transport.bytes(1) == textFrames("1", "2", "pong"))
        hub.flush()
        #expect(transport.bytes(1) == textFrames("1", "2", "pong", "3"))
    }

    @Test(arguments: ["leave", "join"])
    func whoComesOrGoesMeanwhileGetsNoMoreAndNoLess(change: String) {
        let slot = hub.connect(1, "a")
        makeBusy("a")
        hub.deliver("a", "3")
        hub.flush(holdingBusy: true)
        if change == "leave" { hub.leave(slot, "a") } else { _ = hub.connect(2, "a") }
        hub.deliver("a", "4")
        hub.flush(holdingBusy: true)
        hub.flush()
        #expect(!hub.holdsChannels)
        let all = change == "leave" ? textFrames("1", "2", "3") : textFrames("1", "2", "3", "4")
        #expect(transport.bytes(1) == all)
        if change == "join" { #expect(transport.bytes(2) == textFrames("4")) }
    }

    @Test func timestampsOfHeldMessagesComeWhenTheyAreWritten() {
        _ = hub.connect(1, "a")
        makeBusy("a")
        _ = hub.takeReceivedNanoseconds()
        hub.deliver(message("a", "3", at: 7))
        hub.flush(holdingBusy: true)
        #expect(hub.takeReceivedNanoseconds() == [])
        hub.flush()
        #expect(hub.takeReceivedNanoseconds() == [7])
    }

    /// Lists of all lengths around the number of writes performed together.
    @Test(arguments: [1, 127, 128, 129, 256, 300])
    func everyoneIsWrittenToHoweverManyTheyAre(count: Int) {
        for link in 0..<Int32(count) { _ = hub.connect(link, "a") }
        for link in 0..<Int32(count) { _ = hub.connect(1_000 + link, "a", "b") }
        transport[1_000 + Int32(count) / 2].room = 3
        hub.deliver("a", "one")
        hub.flush()
        for link in 0..<Int32(count) {
            #expect(transport.bytes(link) == textFrames("one"))
            let all = textFrames("one")
            #expect(transport.bytes(1_000 + link) == (link == Int32(count) / 2 ? Array(all.prefix(3)) : all))
        }
        #expect(hub.takeCounts().deliveries == 2 * count - 1)
    }
}
