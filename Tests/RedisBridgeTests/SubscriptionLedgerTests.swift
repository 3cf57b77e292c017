import Testing

@testable import RedisBridge

struct SubscriptionLedgerTests {
    private static let map = RedisChannelMap(prefix: "p:", aliases: [("alias", "two"), ("p:gone", "two")])

    private func makeLedger(linked: Bool = true) -> SubscriptionLedger {
        var ledger = SubscriptionLedger(
            names: ChannelNames(map: Self.map), confirmMilliseconds: 1000, lingerMilliseconds: 500)
        if linked { ledger.linkReady(at: 0) }
        return ledger
    }

    /// Subscribes, sends and confirms.
    private func makeLedger(confirmed channel: String) -> SubscriptionLedger {
        var ledger = makeLedger()
        _ = ledger.subscribe(channel, at: 0)
        _ = ledger.takeCommands()
        for _ in Self.map.redisChannels(for: channel) { _ = ledger.confirmOne(of: channel, at: 1_000_000) }
        return ledger
    }

    @Test func aNewChannelIsAskedForAndSettledByTheReply() {
        var ledger = makeLedger()
        #expect(ledger.subscribe("a", at: 0) == false)
        #expect(ledger.hasCommands)
        #expect(ledger.takeCommands() == [SubscriptionCommand(.subscribe, ["p:a"])])
        #expect(!ledger.hasCommands)
        #expect(ledger.takeCommands() == [])
        #expect(ledger.confirmedCount == 0)
        #expect(ledger.confirmOne(of: "a", at: 1_000_000)?.isSettled == true)
        #expect(ledger.confirmedCount == 1)
        #expect(ledger.subscribe("a", at: 5) == true)
        #expect(ledger.advance(to: 5000) == [])
        #expect(ledger.lateCount == 0)
    }

    @Test func aSecondClientWaitsForTheSameReply() {
        var ledger = makeLedger()
        #expect(ledger.subscribe("a", at: 0) == false)
        #expect(ledger.takeCommands() == [SubscriptionCommand(.subscribe, ["p:a"])])
        #expect(ledger.subscribe("a", at: 900) == false)
        #expect(ledger.takeCommands() == [])
        #expect(ledger.nextDeadline() == 1000)
        #expect(ledger.confirmOne(of: "a", at: 1_000_000)?.isSettled == true)
        #expect(ledger.nextDeadline() == nil)
    }

    @Test func allNamesMustBeConfirmed() {
        var ledger = makeLedger()
        #expect(ledger.subscribe("two", at: 0) == false)
        #expect(ledger.takeCommands() == [SubscriptionCommand(.subscribe, ["p:two", "alias", "p:gone"])])
        #expect(ledger.confirmOne(of: "two", at: 1_000_000)?.isSettled != true)
        #expect(ledger.confirmOne(of: "two", at: 1_000_000)?.isSettled != true)
        #expect(ledger.confirmedCount == 0)
        #expect(ledger.confirmOne(of: "two", at: 1_000_000)?.isSettled == true)
        #expect(ledger.confirmedCount == 1)
        #expect(ledger.confirmOne(of: "two", at: 1_000_000)?.isSettled != true)
        #expect(ledger.confirmedCount == 1)
    }

    @Test func aChannelThatNoRedisChannelLeadsToNeedsNoConfirmation() {
        var ledger = makeLedger()
        #expect(ledger.subscribe("gone", at: 0) == true)
        ledger.unsubscribe("gone", at: 1)
        #expect(ledger.takeCommands() == [])
        #expect(ledger.count == 0)
    }

    @Test func withoutAReplyItIsSettledInTimeAndLateUntilTheReply() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 10)
        _ = ledger.takeCommands()
        #expect(ledger.nextDeadline() == 1010)
        #expect(ledger.advance(to: 1009) == [])
        #expect(ledger.advance(to: 1010) == ["a"])
        #expect(ledger.lateCount == 1)
        #expect(ledger.nextDeadline() == nil)
        #expect(ledger.subscribe("a", at: 1100) == false)
        #expect(ledger.advance(to: 2100) == ["a"])
        #expect(ledger.lateCount == 1)
        #expect(ledger.confirmOne(of: "a", at: 1_000_000)?.isSettled != true)
        #expect(ledger.lateCount == 0)
        #expect(ledger.confirmedCount == 1)
    }

    @Test func anUnwantedChannelIsKeptForAWhile() {
        var ledger = makeLedger(confirmed: "a")
        ledger.unsubscribe("a", at: 100)
        ledger.unsubscribe("a", at: 300)
        #expect(ledger.nextDeadline() == 600)
        #expect(ledger.advance(to: 599) == [])
        #expect(!ledger.hasCommands)
        #expect(ledger.advance(to: 600) == [])
        #expect(ledger.takeCommands() == [SubscriptionCommand(.unsubscribe, ["p:a"])])
        #expect(ledger.count == 0)
        #expect(ledger.confirmedCount == 0)
    }

    @Test func wantedAgainInTimeItIsKept() {
        var ledger = makeLedger(confirmed: "a")
        ledger.unsubscribe("a", at: 100)
        #expect(ledger.subscribe("a", at: 599) == true)
        #expect(ledger.advance(to: 10_000) == [])
        #expect(!ledger.hasCommands)
        #expect(ledger.confirmedCount == 1)
    }

    @Test func wantedAgainTooLateItIsAskedForAgainAfterTheUnsubscribe() {
        var ledger = makeLedger(confirmed: "a")
        ledger.unsubscribe("a", at: 100)
        _ = ledger.advance(to: 600)
        #expect(ledger.subscribe("a", at: 600) == false)
        #expect(
            ledger.takeCommands() == [
                SubscriptionCommand(.unsubscribe, ["p:a"]), SubscriptionCommand(.subscribe, ["p:a"]),
            ])
    }

    @Test func aChannelThatRedisHasNotAnsweredIsNotGivenUp() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = ledger.takeCommands()
        ledger.unsubscribe("a", at: 1)
        #expect(ledger.advance(to: 501) == [])
        #expect(!ledger.hasCommands)
        #expect(ledger.confirmOne(of: "a", at: 1_000_000)?.isSettled != true)
        #expect(ledger.advance(to: 1001) == [])
        #expect(ledger.takeCommands() == [SubscriptionCommand(.unsubscribe, ["p:a"])])
    }

    @Test func anUnwantedChannelIsNotSettled() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        ledger.unsubscribe("a", at: 1)
        #expect(ledger.advance(to: 1000) == [])
        #expect(ledger.subscribe("a", at: 1200) == false)
        #expect(ledger.advance(to: 2200) == ["a"])
    }

    @Test func withoutALinkClientsWaitUntilTheirDeadline() {
        var ledger = makeLedger(linked: false)
        #expect(ledger.subscribe("a", at: 0) == false)
        #expect(ledger.takeCommands() == [])
        #expect(ledger.advance(to: 1000) == ["a"])
        #expect(ledger.lateCount == 0)
    }

    @Test func whenRedisIsAwayNobodyWaits() {
        var ledger = makeLedger(linked: false)
        _ = ledger.subscribe("a", at: 0)
        _ = ledger.subscribe("b", at: 1)
        #expect(ledger.redisAway(at: 0) == ["a", "b"])
        #expect(ledger.redisAway(at: 0) == [])
        #expect(ledger.subscribe("c", at: 5) == false)
        #expect(ledger.nextDeadline() == 5)
        #expect(ledger.advance(to: 5) == ["c"])
        ledger.linkReady(at: 10)
        #expect(ledger.nextDeadline() == 1010)
        #expect(ledger.subscribe("c", at: 20) == false)
        #expect(ledger.nextDeadline() == 1010)
    }

    @Test func afterALossEverythingIsAskedForAgain() {
        var ledger = makeLedger(confirmed: "a")
        _ = ledger.subscribe("b", at: 0)
        _ = ledger.takeCommands()
        ledger.linkLost(heardAt: 0)
        #expect(ledger.confirmedCount == 0)
        #expect(ledger.takeCommands() == [])
        #expect(ledger.subscribe("a", at: 100) == false)
        ledger.linkReady(at: 200)
        let commands = ledger.takeCommands()
        #expect(
            commands == [SubscriptionCommand(.subscribe, ["p:a", "p:b"])]
                || commands == [SubscriptionCommand(.subscribe, ["p:b", "p:a"])])
        #expect(ledger.confirmOne(of: "a", at: 1_000_000)?.isSettled == true)
        #expect(ledger.confirmOne(of: "b", at: 1_000_000)?.isSettled == true)
        #expect(ledger.confirmedCount == 2)
    }

    @Test func aResubscriptionThatIsNotAnsweredIsLate() {
        var ledger = makeLedger(confirmed: "a")
        ledger.linkLost(heardAt: 0)
        ledger.linkReady(at: 5000)
        _ = ledger.takeCommands()
        #expect(ledger.advance(to: 5999) == [])
        #expect(ledger.lateCount == 0)
        #expect(ledger.advance(to: 6000) == [])
        #expect(ledger.lateCount == 1)
        ledger.linkLost(heardAt: 0)
        #expect(ledger.lateCount == 0)
    }

    @Test func manyChannelsGoOutInBatches() {
        var ledger = makeLedger()
        for index in 0..<1201 { _ = ledger.subscribe("c\(index)", at: 0) }
        let sizes = ledger.takeCommands().map { command in
            command.kind == .subscribe ? command.names.count : 0
        }
        #expect(sizes == [500, 500, 201])
        for index in 0..<1201 { #expect(ledger.confirmOne(of: "c\(index)", at: 0)?.isSettled == true) }
        for index in 0..<1201 { ledger.unsubscribe("c\(index)", at: 1) }
        _ = ledger.advance(to: 501)
        let left = ledger.takeCommands().map { command in
            command.kind == .unsubscribe ? command.names.count : 0
        }
        #expect(left == [500, 500, 201])
    }

    @Test func namesThatOnlyLookEqualAreTwoChannels() {
        var ledger = makeLedger()
        _ = ledger.subscribe("\u{E9}", at: 0)
        _ = ledger.subscribe("e\u{301}", at: 0)
        #expect(ledger.count == 2)
        let names = ledger.takeCommands().first?.names ?? []
        #expect(names.map { Array($0.utf8) } == [Array("p:\u{E9}".utf8), Array("p:e\u{301}".utf8)])
    }

    @Test func churnWithoutALinkLeavesNothing() {
        var ledger = makeLedger(linked: false)
        for round in 0..<1000 as Range<UInt64> {
            _ = ledger.subscribe("a", at: round * 1000)
            ledger.unsubscribe("a", at: round * 1000)
            _ = ledger.advance(to: round * 1000 + 500)
            #expect(ledger.count == 0)
        }
        #expect(ledger.nextDeadline() == nil)
        ledger.linkReady(at: 1_000_000)
        #expect(ledger.takeCommands() == [])
    }
}
