import Testing

@testable import RedisBridge

/// What a follower does with messages and pages.
struct StreamFollowerTests {
    private func entry(_ offset: UInt64, payload: [UInt8]? = []) -> StreamEntry {
        StreamEntry(offset: offset, timeMicroseconds: offset, key: nil, payload: payload)
    }

    private func page(
        _ offsets: ClosedRange<UInt64>?, last: UInt64? = nil, epoch: UInt64 = 1, isMore: Bool = false
    ) -> StreamPage {
        let entries = offsets?.map { entry($0) } ?? []
        return StreamPage(
            epoch: epoch, lastOffset: last ?? offsets?.upperBound ?? 0, nowMicroseconds: 0, isMore: isMore,
            entries: entries)
    }

    /// A follower that has read a stream of this length.
    private func follower(at offset: UInt64, epoch: UInt64 = 1) -> StreamFollower {
        var follower = StreamFollower()
        follower.subscribed()
        let number = follower.reading()
        _ = follower.answered(page(offset == 0 ? nil : 1...offset, epoch: epoch), to: number)
        return follower
    }

    @Test func theFirstReadIsForTheHistoryOnly() {
        var follower = StreamFollower()
        #expect(!follower.needsRead)
        follower.subscribed()
        #expect(follower.needsRead && !follower.isSynced)
        let number = follower.reading()
        let steps = follower.answered(page(4...5), to: number)
        #expect(steps == [.restart(epoch: 1, after: 3, isLoss: false), .keep(entry(4)), .keep(entry(5)), .takeTexts])
        #expect(follower.isSynced)
    }

    /// Subscribers of a wildcard get messages before the channel is followed, and all later ones from the follower.
    @Test func whatComesDuringTheFirstReadIsNotOnlyForTheHistory() {
        var follower = StreamFollower()
        #expect(!follower.hasBegun)
        follower.subscribed()
        #expect(follower.hasBegun)
        let number = follower.reading()
        #expect(follower.received(entry(5), epoch: 1) == false)
        let steps = follower.answered(page(4...5), to: number)
        let restart = StreamFollower.Step.restart(epoch: 1, after: 3, isLoss: false)
        #expect(steps == [restart, .keep(entry(4)), .deliver(entry(5)), .takeTexts])
        follower.lost()
        #expect(follower.hasBegun, "what is missing will be read")
    }

    @Test func messagesInOrderAreDelivered() {
        var follower = follower(at: 2)
        #expect(follower.received(entry(3), epoch: 1) == true)
        #expect(follower.received(entry(3), epoch: 1) == false, "a repeated message is delivered once")
        #expect(follower.received(entry(1), epoch: 1) == false)
        #expect(follower.received(entry(4), epoch: 1) == true)
        #expect(follower.isSynced)
    }

    @Test func aHoleIsReadBeforeAnythingLaterIsDelivered() {
        var follower = follower(at: 2)
        #expect(follower.received(entry(5), epoch: 1) == false)
        #expect(follower.needsRead)
        let number = follower.reading()
        for offset in [6, 7] as [UInt64] { #expect(follower.received(entry(offset), epoch: 1) == false) }
        let steps = follower.answered(page(3...6), to: number)
        #expect(steps == [3, 4, 5, 6, 7].map { .deliver(entry($0)) })
        #expect(follower.isSynced)
    }

    @Test func whatIsGoneIsALoss() {
        var follower = follower(at: 2)
        _ = follower.received(entry(9), epoch: 1)
        let steps = follower.answered(page(8...9), to: follower.reading())
        #expect(
            steps == [.restart(epoch: 1, after: 7, isLoss: true), .deliver(entry(8)), .deliver(entry(9)), .takeTexts])
    }

    @Test func deletedMessagesAreALoss() {
        var follower = follower(at: 2)
        _ = follower.received(entry(4), epoch: 1)
        let steps = follower.answered(page(nil, last: 4), to: follower.reading())
        #expect(steps == [.restart(epoch: 1, after: 4, isLoss: true), .takeTexts] && follower.isSynced)
    }

    @Test func anotherEpochIsALossAndAllOfItIsDelivered() {
        var follower = follower(at: 50)
        #expect(follower.received(entry(2), epoch: 7) == false)
        let steps = follower.answered(page(1...2, epoch: 7), to: follower.reading())
        #expect(
            steps == [.restart(epoch: 7, after: 0, isLoss: true), .deliver(entry(1)), .deliver(entry(2)), .takeTexts])
        #expect(follower.isSynced)
    }

    /// Pieces that come during the read are appended to what growing messages had when it was read.
    @Test func textsAreTakenBetweenThePageAndWhatCameMeanwhile() {
        var follower = StreamFollower()
        follower.subscribed()
        let number = follower.reading()
        #expect(follower.received(entry(3), epoch: 1) == false)
        let steps = follower.answered(page(2...2), to: number)
        #expect(
            steps == [.restart(epoch: 1, after: 1, isLoss: false), .keep(entry(2)), .takeTexts, .deliver(entry(3))])
    }

    @Test func aLongStreamIsReadInParts() {
        var follower = follower(at: 1)
        _ = follower.received(entry(9), epoch: 1)
        #expect(
            follower.answered(page(2...4, last: 9, isMore: true), to: follower.reading())
                == [2, 3, 4].map { .deliver(entry($0)) })
        #expect(follower.needsRead && follower.mark?.offset == 4)
        _ = follower.answered(page(5...9), to: follower.reading())
        #expect(follower.isSynced && follower.mark?.offset == 9)
    }

    @Test func anAnswerFromBeforeALossIsOfNoUse() {
        var follower = follower(at: 1)
        follower.subscribed()
        let old = follower.reading()
        follower.lost()
        follower.subscribed()
        let new = follower.reading()
        #expect(follower.answered(page(2...2), to: old) == [])
        #expect(!follower.isSynced)
        follower.failed(old)
        #expect(!follower.needsRead)
        #expect(follower.answered(page(2...3), to: new) == [.deliver(entry(2)), .deliver(entry(3))])
    }

    @Test func aSubscriptionDuringAReadNeedsAnotherOne() {
        var follower = follower(at: 1)
        follower.subscribed()
        let number = follower.reading()
        follower.subscribed()
        _ = follower.answered(page(nil, last: 1), to: number)
        #expect(!follower.isSynced && follower.needsRead)
    }

    @Test func whatIsHeldIsLimited() {
        var follower = follower(at: 1)
        follower.subscribed()
        let number = follower.reading()
        for offset in 2...UInt64(StreamFollower.maxHeldMessages + 10) { _ = follower.received(entry(offset), epoch: 1) }
        _ = follower.answered(page(nil, last: 1), to: number)
        #expect(follower.needsRead, "what was not held must be read")
    }
}
