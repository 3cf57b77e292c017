import Testing
import WebSocket

@testable import Bench

private func plan(_ pace: BenchPlan.Pace, _ extent: BenchPlan.Extent, warmUp: Duration = .zero) throws -> BenchPlan {
    var plan = BenchPlan(url: try #require(WebSocketURL(parsing: "ws://localhost/ws")))
    plan.pace = pace
    plan.extent = extent
    plan.warmUp = warmUp
    return plan
}

private let second: UInt64 = 1_000_000_000

@Suite struct PacingTests {
    @Test func aClosedLoopKeepsSoManyUnderWay() throws {
        var pacing = Pacing(try plan(.inFlight(2), .messages(3)), startNanoseconds: 5)
        #expect(pacing.next(atNanoseconds: 10, underWay: 0) == .publish(atNanoseconds: 10))
        #expect(pacing.next(atNanoseconds: 11, underWay: 1) == .publish(atNanoseconds: 11))
        #expect(pacing.next(atNanoseconds: 12, underWay: 2) == .waitForArrival)
        #expect(!pacing.isOver(atNanoseconds: 12))
        #expect(pacing.next(atNanoseconds: 13, underWay: 1) == .publish(atNanoseconds: 13))
        #expect(pacing.next(atNanoseconds: 14, underWay: 0) == .finished)
        #expect(pacing.isOver(atNanoseconds: 14))
    }

    @Test func anOpenLoopPublishesAtFixedTimesWhateverIsUnderWay() throws {
        var pacing = Pacing(try plan(.rate(perSecond: 4), .messages(3)), startNanoseconds: 100)
        #expect(pacing.next(atNanoseconds: 100, underWay: 9) == .publish(atNanoseconds: 100))
        let later = 100 + second / 4
        #expect(pacing.next(atNanoseconds: 101, underWay: 9) == .wait(untilNanoseconds: later))
        #expect(pacing.next(atNanoseconds: later - 1, underWay: 9) == .wait(untilNanoseconds: later))
        #expect(pacing.next(atNanoseconds: later, underWay: 9) == .publish(atNanoseconds: later))
    }

    @Test func aLateMessageKeepsItsTime() throws {
        var pacing = Pacing(try plan(.rate(perSecond: 10), .messages(3)), startNanoseconds: 0)
        for index in 0..<3 {
            #expect(
                pacing.next(atNanoseconds: 7 * second, underWay: 0)
                    == .publish(atNanoseconds: UInt64(index) * second / 10))
        }
        #expect(pacing.next(atNanoseconds: 7 * second, underWay: 0) == .finished)
    }

    @Test(arguments: [0.001, 0.3, 1, 999, 12_345.678, 1e7])
    func thereAreAsManyAsTheRateSays(perSecond: Double) throws {
        let duration = perSecond < 1 ? 10_000.0 : 1000 / perSecond
        var pacing = Pacing(
            try plan(.rate(perSecond: perSecond), .duration(.seconds(duration))), startNanoseconds: 17)
        var now: UInt64 = 17
        var times: [UInt64] = []
        steps: while true {
            switch pacing.next(atNanoseconds: now, underWay: 0) {
            case .publish(let time): times.append(time)
            case .wait(let time): now = time
            case .waitForArrival: Issue.record("an open loop does not wait for arrivals")
            case .finished: break steps
            }
        }
        #expect(abs(Double(times.count) - perSecond * duration) <= 1)
        #expect(times == times.sorted())
        #expect(times.allSatisfy { $0 >= 17 && $0 < 17 + UInt64(duration * 1e9) + 1 })
    }

    @Test func aDurationEndsBehindTheWarmUp() throws {
        var pacing = Pacing(
            try plan(.inFlight(1), .duration(.seconds(2)), warmUp: .milliseconds(500)), startNanoseconds: 100)
        #expect(pacing.measuredFromNanoseconds == 100 + second / 2)
        #expect(pacing.endNanoseconds == 100 + second / 2 + 2 * second)
        let end = 100 + second / 2 + 2 * second
        #expect(pacing.next(atNanoseconds: end - 1, underWay: 0) == .publish(atNanoseconds: end - 1))
        #expect(pacing.next(atNanoseconds: end, underWay: 0) == .finished)
    }

    @Test func whatWasDueInTheDurationIsPublishedHoweverLate() throws {
        var pacing = Pacing(try plan(.rate(perSecond: 1), .duration(.seconds(2))), startNanoseconds: 0)
        let late = 9 * second
        #expect(pacing.next(atNanoseconds: late, underWay: 0) == .publish(atNanoseconds: 0))
        #expect(pacing.next(atNanoseconds: late, underWay: 0) == .publish(atNanoseconds: second))
        #expect(pacing.next(atNanoseconds: late, underWay: 0) == .finished)
    }

    @Test func withTheLastMessageOfADurationAnOpenLoopIsFinished() throws {
        var pacing = Pacing(try plan(.rate(perSecond: 1), .duration(.seconds(1.5))), startNanoseconds: 0)
        #expect(pacing.next(atNanoseconds: 0, underWay: 0) == .publish(atNanoseconds: 0))
        #expect(pacing.next(atNanoseconds: second, underWay: 0) == .publish(atNanoseconds: second))
        #expect(pacing.next(atNanoseconds: second + 1, underWay: 0) == .finished)
    }
}
