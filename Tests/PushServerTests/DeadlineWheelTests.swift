import TestSupport
import Testing

@testable import PushServer

@Suite struct DeadlineWheelTests {
    @Test func aSlotComesUpAtItsTickAndOnce() {
        var wheel = DeadlineWheel(ticks: 8)
        #expect(wheel.insert(7, at: 3) == 3)
        let due = (1...20).map { _ in wheel.advance() }
        #expect(due[2] == [7])
        #expect(due.enumerated().allSatisfy { $0.offset == 2 || $0.element.isEmpty })
    }

    @Test func whatIsOverdueComesUpNext() {
        var wheel = DeadlineWheel(ticks: 8)
        for _ in 0..<5 { _ = wheel.advance() }
        #expect(wheel.insert(1, at: 5) == 6)
        #expect(wheel.insert(2, at: 0) == 6)
        #expect(wheel.advance() == [1, 2])
    }

    @Test func beyondTheHorizonItComesUpEarly() {
        var wheel = DeadlineWheel(ticks: 8)
        #expect(wheel.insert(1, at: 7) == 7)
        #expect(wheel.insert(2, at: 8) == 7)
        #expect(wheel.insert(3, at: .max) == 7)
        for _ in 0..<6 { #expect(wheel.advance().isEmpty) }
        #expect(wheel.advance() == [1, 2, 3])
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func asAListOfDeadlines(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let ticks = Int.random(in: 2...40, using: &random)
        var wheel = DeadlineWheel(ticks: ticks)
        var oracle: [(slot: UInt32, due: UInt32)] = []
        for _ in 0..<2_000 {
            if Bool.random(using: &random) {
                let slot = UInt32.random(in: 0..<50, using: &random)
                let tick = wheel.currentTick + UInt32.random(in: 0..<UInt32(2 * ticks), using: &random)
                let due = min(max(tick, wheel.currentTick + 1), wheel.currentTick + UInt32(ticks) - 1)
                #expect(wheel.insert(slot, at: tick) == due)
                oracle.append((slot, due))
            } else {
                let due = wheel.advance()
                #expect(due.sorted() == oracle.filter { $0.due == wheel.currentTick }.map(\.slot).sorted())
                oracle.removeAll { $0.due == wheel.currentTick }
                #expect(oracle.allSatisfy { $0.due > wheel.currentTick }, "nothing is overdue")
            }
        }
    }
}
