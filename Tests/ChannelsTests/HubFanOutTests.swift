import Testing

@testable import Channels

@Suite struct HubFanOutTests {
    let world = World()
    var hub: Hub { world.hub }
    var transport: FakeTransport { world.transport }

    @Test func nothingIsWrittenBeforeTheFlush() {
        let slot = hub.connect(1, "a")
        _ = hub.connect(2, "a", "b", form: .naming())
        hub.deliver("a", "one", "two")
        hub.reply(slot, "ok")
        #expect(transport.takeEvents().isEmpty)
        hub.flush()
        #expect(transport.bytes(1) == textFrames("ok", "one", "two"))
        #expect(transport.bytes(2) == textFrames("a: one", "a: two"))
    }

    /// Joining or leaving in the middle of a turn must not cost other subscribers a separate write.
    @Test func joinsAndLeavesWriteNothingBeforeTheFlush() {
        let (one, two) = (hub.connect(1, "a"), hub.connect(2, "a", form: .naming()))
        hub.deliver("a", "1")
        let three = hub.connect(3, "a")
        hub.deliver("a", "2")
        hub.leave(one, "a")
        hub.tell(.gap(seconds: 1), of: "a")
        hub.deliver("a", "3")
        hub.join(one, "a")
        hub.leave(three, "a")
        hub.deliver("a", "4")
        hub.remove(two)
        #expect(transport.takeEvents().isEmpty)
        hub.flush()
        #expect(transport.bytes(1) == textFrames("1", "2", "4"))
        #expect(transport.bytes(2).isEmpty)
        #expect(transport.bytes(3) == textFrames("2", "3"))
        #expect(hub.takeCounts().settled == 9)
        #expect(hub.queuedBytes == 0)
    }

    @Test func subscribersWithoutFramesGetTextsAndNoticesAsTheyAre() {
        for link in Int32(1)...2 { _ = hub.connect(link, "a", form: .bare) }
        _ = hub.connect(3, "a", form: .naming())
        hub.deliver("a", "1")
        hub.tell(.gap(seconds: 1), of: "a")
        hub.deliver("a", "2")
        hub.flush()
        for link in Int32(1)...2 {
            #expect(String(decoding: transport.bytes(link), as: UTF8.self) == "a: 1gap in a: 1.0 sa: 2")
        }
        #expect(parseFrames(transport.bytes(3)).texts.count == 3)
    }

    /// A gap notice comes after earlier and before later messages, also within one turn.
    @Test func aGapIsToldInOrder() {
        _ = hub.connect(1, "a", form: .naming())
        hub.deliver("a", "1")
        hub.tell(.gap(seconds: 1), of: "a")
        hub.deliver("a", "2")
        hub.flush()
        let texts = parseFrames(transport.bytes(1)).texts
        #expect(texts.map { $0.contains("gap") } == [false, true, false])
    }

    @Test func oneSendPerCleanSubscriberHoweverManyMessages() {
        for link in Int32(1)...50 { _ = hub.connect(link, "a") }
        for number in 0..<100 { hub.deliver("a", "message \(number)") }
        #expect(hub.holdsChannels)
        hub.flush()
        #expect(!hub.holdsChannels)
        let expected = (0..<100).flatMap { textFrame("message \($0)") }
        let sends = transport.takeEvents()
        #expect(sends == (Int32(1)...50).map { .sent($0, bytes: expected.count) })
        for link in Int32(1)...50 {
            #expect(transport.bytes(link) == expected)
            #expect(transport[link].outboxSends == 0)
        }
        let counts = hub.takeCounts()
        #expect(counts.deliveries == 5_000)
        #expect(counts.sentBytes == 50 * expected.count)
        #expect(hub.takeCounts().deliveries == 0, "what was taken is not counted again")
    }

    @Test func aFlushWithNothingToWriteWritesNothing() {
        _ = hub.connect(1, "a")
        hub.deliver("a", "one")
        hub.deliver("nobody", "two")
        hub.flush()
        _ = transport.takeEvents()
        hub.flush()
        #expect(transport.takeEvents().isEmpty)
    }

    @Test func repliesGoBeforeMessagesThatWereDeliveredAfterThem() {
        let slot = hub.connect(1, "a")
        hub.reply(slot, "subscribed")
        hub.deliver("a", "one")
        hub.reply(slot, "pong")
        hub.flush()
        let (texts, rest) = parseFrames(transport.bytes(1))
        #expect(rest.isEmpty)
        #expect(texts.firstIndex(of: "subscribed") == 0)
        #expect(Set(texts) == ["subscribed", "one", "pong"])
        #expect(
            transport.takeEvents() == [
                .sent(1, bytes: transport.bytes(1).count), .drained(slot),
            ])
    }

    @Test func severalChannelsComeAsOneSendInTheirOwnOrder() {
        let slot = hub.connect(1, "a", "b", "c")
        hub.deliver("a", "a1")
        hub.deliver("b", "b1")
        hub.deliver("c", "c1")
        hub.deliver("b", "b2")
        hub.deliver("a", "a2")
        hub.flush()
        let (texts, rest) = parseFrames(transport.bytes(1))
        #expect(rest.isEmpty)
        for channel in ["a", "b"] { #expect(texts.filter { $0.hasPrefix(channel) } == [channel + "1", channel + "2"]) }
        #expect(Set(texts) == ["a1", "a2", "b1", "b2", "c1"])
        #expect(transport[1].outboxSends == 1)
        let events: [FakeTransport.Event] = [
            .sent(1, bytes: transport.bytes(1).count), .drained(slot),
        ]
        #expect(transport.takeEvents() == events)
        #expect(hub.takeCounts().deliveries == 5)
    }

    @Test func anOutboxMayTakeSeveralSends() {
        transport.maxPieces = 1
        let slot = hub.connect(1, "a", "b", "c")
        for channel in ["a", "b", "c"] { hub.deliver(channel, channel) }
        hub.flush()
        #expect(parseFrames(transport.bytes(1)).texts == ["a", "b", "c"])
        #expect(transport[1].outboxSends == 3)
        #expect(transport.takeEvents().last == .drained(slot))
    }

    @Test func aMessageFromBeforeTheJoinIsNotForTheNewcomer() {
        _ = hub.connect(1, "a")
        hub.deliver("a", "early")
        _ = hub.connect(2, "a")
        _ = hub.connect(3, "a", form: .naming())
        hub.deliver("a", "late")
        hub.flush()
        #expect(transport.bytes(1) == textFrames("early", "late"))
        #expect(transport.bytes(2) == textFrames("late"))
        #expect(transport.bytes(3) == textFrames("a: late"))
    }

    @Test(arguments: ["leave", "leaveAll"])
    func aMessageFromBeforeTheLeaveIsStillDelivered(how: String) {
        let (one, two) = (hub.connect(1, "a"), hub.connect(2, "a", "b"))
        hub.deliver("a", "early")
        for slot in [one, two] {
            if how == "leave" { hub.leave(slot, "a") } else { hub.leaveAll(slot) }
        }
        hub.reply(two, "unsubscribed")
        hub.deliver("a", "late")
        hub.flush()
        #expect(transport.bytes(1) == textFrames("early"))
        #expect(transport.bytes(2) == textFrames("early", "unsubscribed"))
    }

    /// Handling an event may queue more output, which the next flush writes.
    @Test func aReplyToADrainedConnectionIsWrittenByTheNextFlush() {
        let slot = hub.connect(1)
        let other = hub.connect(2)
        var answers = ["second", "third"]
        hub.reply(slot, "first")
        hub.reply(other, "other")
        for expected in [["first"], ["first", "second"], ["first", "second", "third"]] {
            world.turn { drained, _ in if drained == slot, !answers.isEmpty { hub.reply(slot, answers.removeFirst()) } }
            #expect(parseFrames(transport.bytes(1)).texts == expected)
        }
        #expect(!hub.hasMarked)
        #expect(transport.bytes(2) == textFrames("other"))
    }

    /// A nested flush would take away the batches that the outer one is writing.
    @Test func aFlushInsideAFlushTraps() async {
        await #expect(processExitsWith: .failure) {
            final class Reentrant: HubTransport {
                weak var hub: Hub?
                func send(_ writes: PreparedWrites) { hub?.flush() }
                func unsentBytes(of link: Int32) -> Int { 0 }
            }
            let transport = Reentrant()
            let hub = Hub(outboxLimitBytes: 1_000)
            transport.hub = hub
            hub.attach(transport)
            hub.join(hub.add(link: 1), "a")
            hub.deliver(Message(channel: "a", payload: [1], receivedNanoseconds: 0))
            hub.flush()
        }
    }

    @Test func timestampsAreHandedOverOnce() {
        _ = hub.connect(1, "a")
        for time in UInt64(5)...7 { hub.deliver(message("a", "x", at: time)) }
        hub.deliver(message("nobody", "x", at: 8))
        hub.flush()
        #expect(hub.takeReceivedNanoseconds() == [5, 6, 7])
        #expect(hub.takeReceivedNanoseconds().isEmpty)
    }

    /// A steady flow allocates no batches: each turn reuses the previous one's memory, whether written directly or
    /// queued first.
    @Test(arguments: [nil, 0, 5])
    func aTurnsBatchIsUsedAgain(room: Int?) {
        let slot = hub.connect(1, "a")
        let next = hub.nextBatch()
        for turn in 0..<5 {
            transport[1].room = room
            hub.deliver("a", "turn \(turn)")
            #expect(next.byteCount == 8)
            hub.flush()
            transport[1].room = nil
            hub.makeRoom(slot)
            #expect(next.isAlive)
            #expect(next.byteCount == 0)
        }
        #expect(parseFrames(transport.bytes(1)).texts == (0..<5).map { "turn \($0)" })
    }

    @Test func aReplysBatchIsUsedAgain() {
        let slot = hub.connect(1)
        let next = hub.nextBatch()
        for turn in 0..<5 {
            hub.reply(slot, "turn \(turn)")
            #expect(next.byteCount == 8)
            hub.flush()
            #expect(next.isAlive)
            #expect(next.byteCount == 0)
        }
    }
}
