import Channels
import TestSupport
import Testing

@testable import PushServer

/// The rules of `ConnectionLife` in plain form: what is known is kept as optional facts, nothing is packed or shared.
private struct NaiveLife {
    let times: Timeouts
    var phase: ConnectionLife.Phase
    var deadline = ConnectionLife.Deadline.request
    var due: Int
    var heard: Int
    var reason = CloseReason.aborted
    var pingWithoutAnswer = false
    var peerHasFinished = false
    var peersCloseIsDone = false
    var blocked: (since: Int, bytes: Int32)?
    var patienceEnd = 0

    init(_ times: Timeouts, isProxied: Bool, _ now: Int) {
        self.times = times
        phase = isProxied ? .proxyHeader : .http
        due = now + 1 + Int(times.request)
        heard = now
    }

    mutating func wait(_ kind: ConnectionLife.Deadline, _ ticks: some BinaryInteger, _ now: Int) {
        deadline = kind
        due = now + 1 + Int(ticks)
    }

    mutating func take(_ input: ConnectionLife.Input, _ now: Int) -> ConnectionLife.Action {
        if phase == .closed { return .none }
        switch input {
        case .heard: (heard, pingWithoutAnswer) = (now, false)
        case .timesChanged:
            // They are always the same here, but some waits are longer than the time of their kind.
            let most =
                switch deadline {
                case .request: times.request
                case .keepAlive: times.keepAlive
                case .ping: blocked == nil ? times.ping : min(times.ping, times.stall)
                case .pong: times.pong
                case .comment: blocked == nil ? times.comment : min(times.comment, times.stall)
                case .close, .linger: UInt32.max / 2
                }
            if due > now + 1 + Int(most) { wait(deadline, most, now) }
        case .deferred(let ticks):
            if phase == .http, deadline == .request { wait(.request, max(Int(times.request) - Int(ticks), 1), now) }
        case .proxied:
            if phase == .proxyHeader {
                (phase, heard) = (.http, now)
                wait(.request, times.request, now)
            }
        case .requestBegun: if phase == .http, deadline == .keepAlive { wait(.request, times.request, now) }
        case .requestComplete: if phase == .http { wait(.keepAlive, times.keepAlive, now) }
        case .upgraded:
            if phase == .http {
                phase = .webSocket
                wait(.ping, times.ping, now)
            }
        case .streamBegun:
            if phase == .http {
                phase = .streaming
                wait(.comment, times.comment, now)
            }
        case .blocked(let bytes):
            blocked = (now, bytes)
            let stalls = now + Int(times.stall)
            if phase == .webSocket, deadline == .ping, due > stalls { wait(.ping, times.stall, now) }
            if phase == .streaming, deadline == .comment, due > stalls { wait(.comment, times.stall, now) }
        case .allSent:
            blocked = nil
            return phase == .closing && peersCloseIsDone ? .endOutput : .none
        case .end(let why, let awaitsClose, let isAllSent):
            phase = .closing
            reason = why ?? reason
            peersCloseIsDone = peersCloseIsDone || !awaitsClose
            if isAllSent, peersCloseIsDone { return .endOutput }
            waitForPeer(.close, times.close, now)
        case .closeAnswered(let isAllSent):
            if phase == .closing, !peersCloseIsDone {
                peersCloseIsDone = true
                return isAllSent ? .endOutput : .none
            }
        case .outputEnded(let isAllSent):
            if phase != .closing { return .none }
            if !isAllSent {
                waitForPeer(.close, times.close, now)
                return .none
            }
            if peerHasFinished { return .close }
            blocked = nil
            waitForPeer(.linger, times.linger, now)
            return .shutdownWrites
        case .peerFinished(let isAllSent):
            if phase == .streaming { reason = .client }
            if peerHasFinished || isAllSent { return .close }
            peerHasFinished = true
            return .endBehindQueue
        case .lost(let loss):
            if phase != .webSocket, phase != .streaming { return .close }
            switch loss {
            case .overflow: return .sendClose(.slowConsumer)
            case .overBudget(midFrame: false): return .sendClose(.overBudget)
            case .overBudget(midFrame: true): return close(.overBudget)
            case .failed: return .close
            }
        case .deadline(let circumstances): return now < due ? .none : look(circumstances, now)
        case .closed: phase = .closed
        }
        return .none
    }

    private mutating func waitForPeer(_ kind: ConnectionLife.Deadline, _ ticks: UInt32, _ now: Int) {
        patienceEnd = now + Int(times.patience)
        wait(kind, ticks, now)
    }

    private mutating func close(_ why: CloseReason) -> ConnectionLife.Action {
        reason = why
        return .close
    }

    private mutating func look(_ sight: ConnectionLife.Circumstances, _ now: Int) -> ConnectionLife.Action {
        var timeLeft: Int?
        if let since = blocked {
            if now - since.since >= times.stall, sight.unacknowledgedBytes < since.bytes {
                blocked = (now, sight.unacknowledgedBytes)
            }
            timeLeft = max(Int(times.stall) - (now - (blocked?.since ?? now)), 0)
        }
        if phase == .webSocket || phase == .streaming, timeLeft == 0 { return close(.stalled) }
        let silence = now - heard
        switch deadline {
        case .request:
            if phase == .proxyHeader { return .refuseProxy }
            if sight.awaitsAnswer {
                wait(.request, times.answer, now)
                return .none
            }
            return phase == .http && sight.hasPartialRequest ? .answerRequestTimeout : .close
        case .keepAlive:
            if let timeLeft, timeLeft > 0 {
                wait(.keepAlive, min(timeLeft, Int(times.keepAlive)), now)
            } else if silence < times.keepAlive {
                wait(.keepAlive, Int(times.keepAlive) - silence, now)
            } else if sight.awaitsAnswer {
                wait(.keepAlive, 1, now)
            } else {
                return .close
            }
        case .ping, .pong:
            if deadline == .pong, pingWithoutAnswer { return close(.pingTimeout) }
            guard silence < times.ping else {
                pingWithoutAnswer = true
                wait(.pong, times.pong, now)
                return .ping
            }
            wait(.ping, min(Int(times.ping) - silence, timeLeft ?? .max), now)
        case .comment:
            wait(.comment, min(Int(times.comment), timeLeft ?? .max), now)
            if blocked == nil { return .comment }
        case .close, .linger:
            let timeout = deadline == .linger ? times.linger : times.close
            let isBusy = silence < timeout || deadline == .linger && sight.unacknowledgedBytes > 0
            if !isBusy || now >= patienceEnd { return .close }
            wait(deadline, timeout, now)
        }
        return .none
    }
}

@Suite struct ConnectionLifeModelTests {
    private func randomInput(_ random: inout SeededGenerator) -> ConnectionLife.Input {
        let (yes, also) = (Bool.random(using: &random), Bool.random(using: &random))
        switch Int.random(in: 0..<26, using: &random) {
        case 0..<5: return .heard
        case 5: return .timesChanged
        case 6: return .deferred(ticks: .random(in: 0..<20, using: &random))
        case 7: return .proxied
        case 8: return .requestBegun
        case 9, 10: return .requestComplete
        case 11, 12: return .upgraded
        case 13...15: return .blocked(unacknowledgedBytes: .random(in: 0..<4, using: &random))
        case 16...18: return .allSent
        case 19:
            let reasons: [CloseReason?] = [nil, .client, .drain]
            let reason = reasons.randomElement(using: &random) ?? nil
            return .end(reason, awaitsClose: yes, isAllSent: also)
        case 20: return .closeAnswered(isAllSent: yes)
        case 21: return .outputEnded(isAllSent: yes)
        case 22 where also: return .peerFinished(isAllSent: yes)
        case 23, 24: return .streamBegun
        default:
            return .lost(
                [.overflow, .overBudget(midFrame: yes), .failed(1)].randomElement(using: &random) ?? .overflow)
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>) func asThePlainRules(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let times = Timeouts(
                request: .random(in: 1..<9, using: &random), keepAlive: .random(in: 1..<30, using: &random),
                ping: .random(in: 1..<20, using: &random), pong: .random(in: 1..<9, using: &random),
                stall: .random(in: 1..<20, using: &random), answer: 3,
                comment: .random(in: 1..<30, using: &random), close: 4, linger: 2, patience: 9)
            var now = UInt32.random(in: 0..<1000, using: &random)
            let isProxied = Int.random(in: 0..<4, using: &random) == 0
            var life = ConnectionLife(isProxied: isProxied, at: now, times)
            var model = NaiveLife(times, isProxied: isProxied, Int(now))
            for step in 0..<60 {
                var input = randomInput(&random)
                if Bool.random(using: &random) {
                    now = max(life.deadlineTick, now)
                    input = .deadline(
                        ConnectionLife.Circumstances(
                            awaitsAnswer: Int.random(in: 0..<4, using: &random) == 0,
                            hasPartialRequest: Bool.random(using: &random),
                            unacknowledgedBytes: .random(in: 0..<4, using: &random)))
                } else {
                    now += UInt32.random(in: 0..<4, using: &random)
                }
                // A closed socket is rare, or else the runs would be short.
                if step == 59 { input = .closed }
                let (expected, action) = (model.take(input, Int(now)), life.handle(input, at: now, times))
                let state = (life.phase, life.deadline, Int(life.deadlineTick), life.closeReason)
                guard action == expected, state == (model.phase, model.deadline, model.due, model.reason) else {
                    Issue.record("step \(step): \(input) gave \(action), \(state); expected \(expected), \(model)")
                    return
                }
            }
        }
    }
}
