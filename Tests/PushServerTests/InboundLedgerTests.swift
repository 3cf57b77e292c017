import TestSupport
import Testing

@testable import PushServer

@Suite struct InboundLedgerTests {
    @Test func `the sum is that of what each holds now`() {
        var ledger = InboundLedger()
        var held: [UInt32: Int] = [:]
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let slot = UInt32.random(in: 0..<20, using: &generator)
            let bytes = [0, 0, 1, 100, 1_048_576].randomElement(using: &generator) ?? 0
            ledger.set(bytes, of: slot)
            held[slot] = bytes == 0 ? nil : bytes
            #expect(ledger.bytes == held.values.reduce(0, +))
            #expect(ledger.count == held.count)
        }
    }

    @Test func `who holds most goes first, and of equals who has held it longest`() {
        var ledger = InboundLedger()
        ledger.set(5, of: 2)
        ledger.set(5, of: 1)
        ledger.set(9, of: 3)
        ledger.set(4, of: 4)
        #expect(ledger.largestFirst() == [3, 2, 1, 4])
    }

    @Test func `more of the same does not make a holding young`() {
        var ledger = InboundLedger()
        ledger.set(1, of: 1)
        ledger.set(5, of: 2)
        ledger.set(5, of: 1)
        #expect(ledger.largestFirst() == [1, 2])
    }

    @Test func `what is held besides counts`() {
        var ledger = InboundLedger()
        ledger.set(5, of: 1)
        ledger.set(6, of: 2)
        #expect(ledger.largestFirst(adding: [1: 2, 3: 100, 4: 0]) == [3, 1, 2])
    }
}

@Suite struct InboundBudgetTests {
    @Test func `nobody is given up within the budget`() {
        #expect(InboundBudget(bytes: 1600, loops: 1).target(held: 1600, total: 1600) == nil)
    }

    @Test func `a single loop goes somewhat below the budget`() {
        #expect(InboundBudget(bytes: 1600, loops: 1).target(held: 1601, total: 1601) == 1500)
    }

    @Test func `a loop within its share gives nobody up for another`() {
        let budget = InboundBudget(bytes: 1600, loops: 2)
        #expect(budget.target(held: 800, total: 5000) == nil)
        #expect(budget.target(held: 4200, total: 5000) == 700)
    }

    @Test func `a loop above its share gives up what is too much in all`() {
        #expect(InboundBudget(bytes: 1600, loops: 2).target(held: 1500, total: 1700) == 1300)
    }
}
