import Channels
import Testing

@testable import PushServer

/// Every pair of a state and an input: a test for each input, which says in which states it changes what.
@Suite struct ConnectionLifeTests {
    typealias Life = ConnectionLife

    static let timeouts = Timeouts(
        request: 40, keepAlive: 300, ping: 100, pong: 20, stall: 60, answer: 8, comment: 80, close: 20, linger: 4,
        patience: 44)

    enum State: CaseIterable {
        case proxyHeader, request, keepAlive, open, blocked, pinged, streaming, streamBlocked
        case closing, awaitingClose, closingBehindPeer, lingering, closed

        /// How a connection gets there.
        private var path: [Life.Input] {
            switch self {
            case .proxyHeader, .request: []
            case .keepAlive: [.requestComplete]
            case .open: [.upgraded]
            case .blocked: [.upgraded, .blocked(unacknowledgedBytes: 9)]
            case .pinged: [.upgraded, .deadline(Life.Circumstances())]
            case .streaming: [.streamBegun]
            case .streamBlocked: [.streamBegun, .blocked(unacknowledgedBytes: 9)]
            case .closing: [.end(nil, awaitsClose: false, isAllSent: false)]
            case .awaitingClose: [.upgraded, .end(.drain, awaitsClose: true, isAllSent: false)]
            case .closingBehindPeer:
                [.peerFinished(isAllSent: false), .end(nil, awaitsClose: false, isAllSent: false)]
            case .lingering: [.end(nil, awaitsClose: false, isAllSent: true), .outputEnded(isAllSent: true)]
            case .closed: [.closed]
            }
        }

        func life() -> Life {
            var life = Life(isProxied: self == .proxyHeader, at: 0, timeouts)
            for input in path {
                let tick = if case .deadline = input { life.deadlineTick } else { UInt32(0) }
                _ = life.handle(input, at: tick, timeouts)
            }
            return life
        }

        /// Some ticks after it was entered.
        var tick: UInt32 { self == .pinged ? 105 : 4 }
    }

    /// What an input changes: the action that it asks for, the phase, and what is waited for, for how long.
    struct Change {
        var action = Life.Action.none
        var phase: Life.Phase?
        var wait: (deadline: Life.Deadline, ticks: UInt32)?
        var reason: CloseReason?
    }

    /// Checks an input in all states; where nothing is said it changes nothing.
    private func check(_ input: Life.Input, _ changes: [State: Change]) {
        for state in State.allCases {
            var life = state.life()
            check(&life, input, at: state.tick, changes[state] ?? Change(), "\(state)")
        }
    }

    /// Checks what the deadline of a state does at its tick.
    private func checkDeadline(
        _ state: State, _ change: Change, _ circumstances: Life.Circumstances = Life.Circumstances()
    ) {
        var life = state.life()
        check(&life, .deadline(circumstances), at: life.deadlineTick, change, "\(state)")
    }

    private func check(
        _ life: inout Life, _ input: Life.Input, at now: UInt32, _ change: Change, _ state: Comment
    ) {
        let (phase, deadline, due, reason) = (life.phase, life.deadline, life.deadlineTick, life.closeReason)
        let action = life.handle(input, at: now, Self.timeouts)
        let after = (life.phase, life.deadline, life.deadlineTick, life.closeReason)
        #expect(action == change.action, state)
        #expect(after.0 == change.phase ?? phase, state)
        #expect(after.1 == change.wait?.deadline ?? deadline, state)
        #expect(after.2 == change.wait.map { now + 1 + $0.ticks } ?? due, state)
        #expect(after.3 == change.reason ?? reason, state)
    }

    // MARK: - From the first byte to the WebSocket or the stream

    @Test func beingHeardChangesNoDeadline() { check(.heard, [:]) }

    @Test func silenceBeforeTheAcceptCountsForTheFirstRequest() {
        check(.deferred(ticks: 10), [.request: Change(wait: (.request, 30))])
        check(.deferred(ticks: 1000), [.request: Change(wait: (.request, 1))])
    }

    @Test func behindAProxysHeaderTheClientHasItsTime() {
        check(.proxied, [.proxyHeader: Change(phase: .http, wait: (.request, 40))])
    }

    @Test func aRequestThatBeginsHasAWholeTimeOnlyIfItIsNotTheFirst() {
        check(.requestBegun, [.keepAlive: Change(wait: (.request, 40))])
    }

    @Test func behindARequestTheNextIsWaitedFor() {
        let kept = Change(wait: (.keepAlive, 300))
        check(.requestComplete, [.request: kept, .keepAlive: kept])
    }

    @Test func anUpgradeMakesAWebSocketOfHTTPOnly() {
        let open = Change(phase: .webSocket, wait: (.ping, 100))
        check(.upgraded, [.request: open, .keepAlive: open])
    }

    @Test func aResponseWithoutAnEndMakesAStreamOfHTTPOnly() {
        let streaming = Change(phase: .streaming, wait: (.comment, 80))
        check(.streamBegun, [.request: streaming, .keepAlive: streaming])
    }

    // MARK: - Room in the kernel

    @Test func aBlockedClientIsLookedAtBeforeItStalls() {
        check(
            .blocked(unacknowledgedBytes: 1),
            [.open: Change(wait: (.ping, 60)), .streaming: Change(wait: (.comment, 60))])
    }

    @Test func whenAllIsSentAClosingConnectionEndsItsOutputIfNoCloseIsAwaited() {
        let end = Change(action: .endOutput)
        check(.allSent, [.closing: end, .closingBehindPeer: end, .lingering: end])
    }

    // MARK: - The end

    @Test func theEndWaitsForWhatIsQueued() {
        let waits = Change(phase: .closing, wait: (.close, 20))
        let all = State.allCases.filter { $0 != .closed }
        check(
            .end(nil, awaitsClose: false, isAllSent: false), Dictionary(uniqueKeysWithValues: all.map { ($0, waits) }))
    }

    @Test func theEndFollowsAtOnceIfNothingIsQueued() {
        let ends = Change(action: .endOutput, phase: .closing, reason: .client)
        let all = State.allCases.filter { $0 != .closed }
        check(
            .end(.client, awaitsClose: false, isAllSent: true), Dictionary(uniqueKeysWithValues: all.map { ($0, ends) })
        )
    }

    @Test func theEndWaitsForThePeersCloseFrameWhereOneIsStillToCome() {
        let waits = Change(phase: .closing, wait: (.close, 20), reason: .drain)
        var changes = Dictionary(uniqueKeysWithValues: State.allCases.map { ($0, waits) })
        changes[.closed] = nil
        for complete in [State.closing, .closingBehindPeer, .lingering] {
            changes[complete] = Change(action: .endOutput, reason: .drain)
        }
        check(.end(.drain, awaitsClose: true, isAllSent: true), changes)
    }

    @Test func thePeersCloseFrameCompletesTheClose() {
        check(.closeAnswered(isAllSent: false), [:])
        check(.closeAnswered(isAllSent: true), [.awaitingClose: Change(action: .endOutput)])
    }

    @Test func anEndedOutputIsShutDownAndThePeerGetsAMoment() {
        let lingers = Change(action: .shutdownWrites, wait: (.linger, 4))
        check(
            .outputEnded(isAllSent: true),
            [
                .closing: lingers, .awaitingClose: lingers, .lingering: lingers,
                .closingBehindPeer: Change(action: .close),
            ])
    }

    @Test func anEndOfOutputThatDoesNotFitWaitsForRoom() {
        let waits = Change(wait: (.close, 20))
        check(
            .outputEnded(isAllSent: false),
            [.closing: waits, .awaitingClose: waits, .lingering: waits, .closingBehindPeer: waits])
    }

    @Test func aPeerThatHalfClosesGetsWhatIsQueued() {
        let ends = Change(action: .endBehindQueue)
        var changes = Dictionary(uniqueKeysWithValues: State.allCases.map { ($0, ends) })
        changes[.closed] = nil
        changes[.closingBehindPeer] = Change(action: .close)
        // That is how the client of a stream ends it.
        for state in [State.streaming, .streamBlocked] {
            changes[state] = Change(action: .endBehindQueue, reason: .client)
        }
        check(.peerFinished(isAllSent: false), changes)
        for (state, change) in changes { changes[state] = Change(action: .close, reason: change.reason) }
        check(.peerFinished(isAllSent: true), changes)
    }

    @Test(arguments: [
        (LossReason.overflow, Life.Action.sendClose(.slowConsumer), CloseReason.aborted),
        (.overBudget(midFrame: false), .sendClose(.overBudget), .aborted),
        (.overBudget(midFrame: true), .close, .overBudget),
        (.failed(32), .close, .aborted),
    ])
    func onlyAClientThatCanStillBeToldIsToldOfALoss(loss: LossReason, action: Life.Action, reason: CloseReason) {
        var changes = Dictionary(uniqueKeysWithValues: State.allCases.map { ($0, Change(action: .close)) })
        changes[.closed] = nil
        for state in [State.open, .blocked, .pinged, .streaming, .streamBlocked] {
            changes[state] = Change(action: action, reason: reason)
        }
        check(.lost(loss), changes)
    }

    @Test func aClosedConnectionIsClosed() {
        var changes = Dictionary(uniqueKeysWithValues: State.allCases.map { ($0, Change(phase: .closed)) })
        changes[.closed] = nil
        check(.closed, changes)
    }

    // MARK: - Deadlines

    @Test func beforeItsTickADeadlineDoesNothing() { check(.deadline(Life.Circumstances()), [:]) }

    @Test func whatADeadlineMeansInEachState() {
        checkDeadline(.proxyHeader, Change(action: .refuseProxy))
        checkDeadline(.request, Change(action: .close))
        checkDeadline(.keepAlive, Change(action: .close))
        checkDeadline(.open, Change(action: .ping, wait: (.pong, 20)))
        checkDeadline(
            .blocked, Change(action: .close, reason: .stalled), Life.Circumstances(unacknowledgedBytes: 9))
        checkDeadline(.pinged, Change(action: .close, reason: .pingTimeout))
        checkDeadline(.streaming, Change(action: .comment, wait: (.comment, 80)))
        checkDeadline(
            .streamBlocked, Change(action: .close, reason: .stalled), Life.Circumstances(unacknowledgedBytes: 9))
        checkDeadline(.closing, Change(action: .close))
        checkDeadline(.awaitingClose, Change(action: .close))
        checkDeadline(.closingBehindPeer, Change(action: .close))
        checkDeadline(.lingering, Change(action: .close))
        checkDeadline(.closed, Change())
    }

    @Test func whereAnAnswerIsOwedTheConnectionIsKept() {
        let owed = Life.Circumstances(awaitsAnswer: true)
        checkDeadline(.request, Change(wait: (.request, 8)), owed)
        checkDeadline(.keepAlive, Change(wait: (.keepAlive, 1)), owed)
        checkDeadline(.proxyHeader, Change(action: .refuseProxy), owed)
        checkDeadline(.closing, Change(action: .close), owed)
    }

    @Test func aRequestInPartIsAnswered() {
        let partial = Life.Circumstances(hasPartialRequest: true)
        checkDeadline(.request, Change(action: .answerRequestTimeout), partial)
        checkDeadline(.proxyHeader, Change(action: .refuseProxy), partial)
    }

    @Test func aPeerThatTakesWhatTheKernelHoldsIsNotStalled() {
        let moves = Life.Circumstances(unacknowledgedBytes: 8)
        checkDeadline(.blocked, Change(wait: (.ping, 39)), moves)
        checkDeadline(.streamBlocked, Change(wait: (.comment, 60)), moves)
        let still = Life.Circumstances(unacknowledgedBytes: 9)
        checkDeadline(.blocked, Change(action: .close, reason: .stalled), still)
    }

    @Test func whileTheKernelHoldsTheLastBytesTheConnectionLingers() {
        let held = Life.Circumstances(unacknowledgedBytes: 1)
        checkDeadline(.lingering, Change(wait: (.linger, 4)), held)
        checkDeadline(.closing, Change(action: .close), held)
    }

    @Test func aPeerThatIsHeardHasMoreTimeUntilPatienceEnds() {
        for state in [State.closing, .awaitingClose, .closingBehindPeer, .lingering] {
            var life = state.life()
            let timeout = state == .lingering ? Self.timeouts.linger : Self.timeouts.close
            var waits = 0
            while true {
                let due = life.deadlineTick
                _ = life.handle(.heard, at: due, Self.timeouts)
                guard life.handle(.deadline(Life.Circumstances()), at: due, Self.timeouts) == .none else { break }
                waits += 1
            }
            #expect(waits == Int(Self.timeouts.patience / (timeout + 1)), "\(state)")
        }
    }

    @Test func theSameTimesChangeNothing() { check(.timesChanged, [:]) }

    @Test func shorterTimesBeginWithTheChange() {
        let half = Timeouts(
            request: 10, keepAlive: 20, ping: 30, pong: 5, stall: 60, answer: 8, comment: 25, close: 20, linger: 4,
            patience: 44)
        let ticks: [State: UInt32] = [
            .proxyHeader: 10, .request: 10, .keepAlive: 20, .open: 30, .blocked: 30, .pinged: 5, .streaming: 25,
            .streamBlocked: 25,
        ]
        for state in State.allCases {
            var life = state.life()
            let (deadline, due) = (life.deadline, life.deadlineTick)
            let action = life.handle(.timesChanged, at: state.tick, half)
            #expect(action == .none, "\(state)")
            let after = (life.deadline, life.deadlineTick)
            #expect(after.0 == deadline && after.1 == ticks[state].map { state.tick + 1 + $0 } ?? due, "\(state)")
        }
    }

    @Test func aLongerTimeCountsWhenTheDeadlineComes() {
        let long = Timeouts(
            request: 40, keepAlive: 300, ping: 500, pong: 20, stall: 60, answer: 8, close: 20, linger: 4, patience: 44)
        var life = State.open.life()
        let due = life.deadlineTick
        _ = life.handle(.timesChanged, at: 4, long)
        let unchanged = life.deadlineTick
        #expect(unchanged == due)
        let action = life.handle(.deadline(Life.Circumstances()), at: due, long)
        let later = life.deadlineTick
        #expect(action == .none && later > due)
    }

    @Test func anythingHeardAnswersAPing() {
        var life = State.pinged.life()
        _ = life.handle(.heard, at: 110, Self.timeouts)
        check(&life, .deadline(Life.Circumstances()), at: life.deadlineTick, Change(wait: (.ping, 88)), "pinged")
    }
}
