import Broker
import Bytes
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

/// Clients are told for how long messages may have been lost.
struct GapTests {
    private func makeLedger() -> SubscriptionLedger {
        var ledger = SubscriptionLedger(
            names: ChannelNames(map: RedisChannelMap(prefix: "p:", aliases: [])), confirmMilliseconds: 1000,
            lingerMilliseconds: 500)
        ledger.linkReady(at: 0)
        return ledger
    }

    private func confirm(_ ledger: inout SubscriptionLedger, _ channel: String, at now: UInt64) -> UInt64? {
        _ = ledger.takeCommands()
        return ledger.confirmOne(of: channel, at: now)?.gapMilliseconds
    }

    @Test func aNewSubscriptionMissesNothing() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        #expect(confirm(&ledger, "a", at: 900) == nil)
    }

    @Test func anOutageCountsFromWhatWasHeardLast() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = confirm(&ledger, "a", at: 0)
        ledger.linkLost(heardAt: 5000)
        ledger.linkReady(at: 9000)
        #expect(confirm(&ledger, "a", at: 9100) == 4100)
        ledger.linkLost(heardAt: 9500)
        ledger.linkReady(at: 9600)
        #expect(confirm(&ledger, "a", at: 9600) == 100, "each outage is told once")
    }

    @Test func severalLossesAreOneGap() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = confirm(&ledger, "a", at: 0)
        ledger.linkLost(heardAt: 1000)
        ledger.linkReady(at: 2000)
        ledger.linkLost(heardAt: 2000)
        ledger.linkReady(at: 3000)
        #expect(confirm(&ledger, "a", at: 3000) == 2000)
    }

    @Test func aClientThatWasToldTooSoonIsExposedFromThen() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = ledger.takeCommands()
        #expect(ledger.advance(to: 1000) == ["a"])
        #expect(confirm(&ledger, "a", at: 1700) == 700)
    }

    @Test func whoeverComesDuringTheOutageIsExposedFromItsSettlement() {
        var ledger = makeLedger()
        ledger.linkLost(heardAt: 0)
        #expect(ledger.redisAway(at: 100) == [])
        _ = ledger.subscribe("a", at: 200)
        #expect(ledger.advance(to: 200) == ["a"])
        ledger.linkReady(at: 5000)
        #expect(confirm(&ledger, "a", at: 5000) == 4800)
    }

    @Test func aChannelThatNobodyHadIsNoGap() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = confirm(&ledger, "a", at: 0)
        ledger.unsubscribe("a", at: 100)
        ledger.linkLost(heardAt: 200)
        _ = ledger.subscribe("a", at: 300)
        ledger.linkReady(at: 400)
        #expect(confirm(&ledger, "a", at: 400) == nil)
    }

    @Test func theBridgeTellsBeforeAnythingNew() throws {
        let server = try RedisServer()
        try Harness.run(server.url) { harness in
            try harness.subscribe("a")
            try harness.waitUntilUsable()
            server.kill()
            try harness.wait(for: "loss") { harness.recorder.losses == 1 }
            try server.start()
            let client = try RedisClient(port: server.port)
            harness.recorder.onMessage = { #expect(harness.recorder.gaps.count == 1, "a message came first") }
            try harness.wait(for: "a message") {
                _ = try client.publish([1], to: "push:a")
                return !harness.recorder.messages.isEmpty
            }
            #expect(harness.recorder.gaps.map(\.channel) == ["a"])
            #expect(harness.recorder.gaps[0].milliseconds < 20_000)
        }
    }
}

/// Channels that move to another server, or that this server refuses.
struct LedgerHandoverTests {
    private func makeLedger() -> SubscriptionLedger {
        var ledger = SubscriptionLedger(
            names: ChannelNames(map: RedisChannelMap(prefix: "p:", aliases: []), slots: .all),
            confirmMilliseconds: 1000, lingerMilliseconds: 500)
        ledger.linkReady(at: 0)
        return ledger
    }

    @Test func shardedSubscriptionsAreOneCommandEach() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = ledger.subscribe("b", at: 0)
        #expect(
            ledger.takeCommands() == [
                SubscriptionCommand(.subscribe, ["p:a"]), SubscriptionCommand(.subscribe, ["p:b"]),
            ])
    }

    @Test func aRefusedChannelIsAskedForAgain() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = ledger.takeCommands()
        ledger.refuse("a")
        #expect(ledger.takeCommands() == [])
        #expect(ledger.advance(to: 1000) == ["a"])
        #expect(ledger.lateCount == 1)
        ledger.retryRefused()
        #expect(ledger.takeCommands() == [SubscriptionCommand(.subscribe, ["p:a"])])
        #expect(ledger.confirmOne(of: "a", at: 3000)?.gapMilliseconds == 2000)
        #expect(ledger.lateCount == 0)
    }

    @Test func aRevokedChannelIsAskedForAtOnceAndTheTimeBetweenIsTold() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        _ = ledger.takeCommands()
        _ = ledger.confirmOne(of: "a", at: 0)
        ledger.revoke("a", at: 100)
        #expect(ledger.confirmedCount == 0)
        #expect(ledger.takeCommands() == [SubscriptionCommand(.subscribe, ["p:a"])])
        #expect(ledger.confirmOne(of: "a", at: 150)?.gapMilliseconds == 50)
        #expect(ledger.confirmedCount == 1)
    }

    @Test func aChannelChangesHands() throws {
        var (old, new) = (makeLedger(), makeLedger())
        _ = old.subscribe("a", at: 0)
        _ = old.takeCommands()
        _ = old.confirmOne(of: "a", at: 0)
        let handover = old.release("a", at: 100)
        let moved = try #require(handover)
        #expect(old.count == 0 && old.confirmedCount == 0)
        #expect(old.takeCommands() == [SubscriptionCommand(.unsubscribe, ["p:a"])])
        new.adopt(moved, at: 100)
        #expect(new.takeCommands() == [SubscriptionCommand(.subscribe, ["p:a"])])
        let confirmation = new.confirmOne(of: "a", at: 120)
        #expect(confirmation?.isSettled == false, "nobody waited for it")
        #expect(confirmation?.gapMilliseconds == 20)
    }

    @Test func whoeverWaitsWaitsOnWithTheNewServer() throws {
        var (old, new) = (makeLedger(), makeLedger())
        _ = old.subscribe("a", at: 0)
        let handover = old.release("a", at: 100)
        let moved = try #require(handover)
        #expect(old.takeCommands() == [])
        new.adopt(moved, at: 100)
        _ = new.takeCommands()
        #expect(new.isAwaited("a"))
        #expect(new.confirmOne(of: "a", at: 120)?.isSettled == true)
    }

    @Test func aChannelThatLingersIsNotHandedOver() {
        var ledger = makeLedger()
        _ = ledger.subscribe("a", at: 0)
        ledger.unsubscribe("a", at: 1)
        #expect(ledger.release("a", at: 2) == nil)
        #expect(ledger.count == 0)
    }
}
