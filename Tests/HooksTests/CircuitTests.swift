import Testing

@testable import Hooks

@Suite struct CircuitTests {
    private var random = SystemRandomNumberGenerator()

    /// A circuit that has just opened, and the time at which it admits a probe.
    private mutating func opened(at now: UInt64) -> (Circuit, UInt64) {
        var circuit = Circuit()
        for number in 1...Circuit.tolerated {
            #expect(circuit.admits(number, at: now) == true)
            circuit.noteFailure(of: number, at: now, using: &random)
        }
        guard case .open(let end) = circuit.state else {
            Issue.record("it is not open")
            return (circuit, now)
        }
        return (circuit, end)
    }

    @Test mutating func itOpensAfterFailuresInARow() {
        var circuit = Circuit()
        for number in 1...100 {
            #expect(circuit.admits(number, at: 0) == true)
            if number % Circuit.tolerated == 0 {
                circuit.noteAnswer()
            } else {
                circuit.noteFailure(of: number, at: 0, using: &random)
            }
        }
        #expect(circuit.state == .closed)
        let (other, end) = opened(at: 50)
        #expect(other.state == .open(untilMilliseconds: end))
        #expect(end > 50 && end <= 1050)
    }

    @Test mutating func afterTheWaitOneQuestionIsTheProbe() {
        var (circuit, end) = opened(at: 0)
        #expect(circuit.admits(10, at: end - 1) == false)
        #expect(circuit.admits(11, at: end) == true)
        #expect(circuit.admits(12, at: end + 100_000) == false)
        circuit.noteAnswer()
        #expect(circuit.admits(13, at: end) == true)
    }

    @Test mutating func aProbeThatFailsOpensItAgain() {
        var (circuit, end) = opened(at: 0)
        #expect(circuit.admits(10, at: end) == true)
        circuit.noteFailure(of: 3, at: end, using: &random)
        #expect(circuit.state == .probing(10), "question 3 was sent before")
        circuit.noteFailure(of: 10, at: end, using: &random)
        guard case .open(let next) = circuit.state, next > end, next <= end + 2000 else {
            Issue.record("\(circuit.state)")
            return
        }
    }

    @Test mutating func aWithdrawnProbeLeavesTheNextQuestionToProbe() {
        var (circuit, end) = opened(at: 0)
        #expect(circuit.admits(10, at: end) == true)
        circuit.noteWithdrawal(of: 9, at: end)
        #expect(circuit.admits(11, at: end) == false)
        circuit.noteWithdrawal(of: 10, at: end)
        #expect(circuit.admits(12, at: end) == true)
    }
}

@Suite struct AnswerCacheTests {
    private func answer(cacheSeconds: Int, reason: String = "") -> HookAnswer {
        var answer = HookAnswer(isAllowed: true)
        answer.cacheSeconds = cacheSeconds
        answer.reason = reason
        return answer
    }

    @Test func anAnswerHoldsForAsLongAsItSays() {
        var cache = AnswerCache()
        cache.keep(answer(cacheSeconds: 2), to: [1], at: 1000)
        cache.keep(answer(cacheSeconds: 0), to: [2], at: 1000)
        #expect(cache.answer(to: [1], at: 2999) != nil)
        #expect(cache.answer(to: [1], at: 3000) == nil)
        #expect(cache.answer(to: [2], at: 1000) == nil)
    }

    @Test func itsSizeIsLimited() {
        var cache = AnswerCache(maxBytes: 10_000)
        let text = String(repeating: "x", count: 700)
        for number in UInt8.min...UInt8.max {
            cache.keep(answer(cacheSeconds: 1000, reason: text), to: [number], at: 0)
        }
        let kept = (UInt8.min...UInt8.max).filter { cache.answer(to: [$0], at: 0) != nil }
        #expect((5...10).contains(kept.count))
        #expect(kept.last == .max && kept.first == .max - UInt8(kept.count) + 1, "the newest are kept")
    }
}
