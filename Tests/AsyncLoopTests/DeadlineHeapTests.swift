import TestSupport
import Testing

@testable import AsyncLoop

struct DeadlineHeapTests {
    @Test func valuesComeOutInTheOrderOfTheirDeadlines() {
        var heap = DeadlineHeap<Int>()
        for deadline in [5, 1, 4, 1, 3, 9, 2, 6] {
            let ticket = heap.reserve()
            heap.insert(deadline, at: UInt64(deadline), ticket)
        }
        var out: [Int] = []
        while let value = heap.popExpired(at: 6) { out.append(value) }
        #expect(out == [1, 1, 2, 3, 4, 5, 6])
        #expect(heap.earliest == 9)
        #expect(heap.count == 1)
    }

    @Test func aTicketIsValidUntilItsValueIsOut() {
        var heap = DeadlineHeap<String>()
        let first = heap.reserve()
        heap.insert("first", at: 1, first)
        #expect(heap.holds(first))
        #expect(heap.popExpired(at: 1) == "first")
        #expect(!heap.holds(first))
        let second = heap.reserve()  // gets the same slot
        #expect(heap.remove(first) == nil)
        heap.insert("second", at: 2, second)
        #expect(heap.remove(second) == "second")
        #expect(heap.remove(second) == nil)
        #expect(heap.earliest == nil)
    }

    @Test func aReservedTicketCanBeGivenBackWithoutAValue() {
        var heap = DeadlineHeap<Int>()
        let ticket = heap.reserve()
        #expect(heap.remove(ticket) == nil)
        #expect(!heap.holds(ticket))
    }

    @Test func itAgreesWithASortedArray() {
        var random = SeededGenerator(seed: 18)
        var heap = DeadlineHeap<Int>()
        var naive: [(deadline: UInt64, value: Int, ticket: DeadlineTicket)] = []
        for value in 0..<2_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let ticket = heap.reserve()
                let deadline = UInt64.random(in: 0..<1000, using: &random) * 1000 + UInt64(value)
                heap.insert(value, at: deadline, ticket)
                naive.append((deadline, value, ticket))
            case 5..<8 where !naive.isEmpty:
                let index = Int.random(in: naive.indices, using: &random)
                let removed = naive.remove(at: index)
                #expect(heap.remove(removed.ticket) == removed.value)
            default:
                let now = UInt64.random(in: 0..<1_000_000, using: &random) / 3
                let expired = naive.filter { $0.deadline <= now }.sorted { $0.deadline < $1.deadline }
                naive.removeAll { $0.deadline <= now }
                for entry in expired { #expect(heap.popExpired(at: now) == entry.value) }
                #expect(heap.popExpired(at: now) == nil)
            }
            #expect(heap.count == naive.count)
            #expect(heap.earliest == naive.map(\.deadline).min())
        }
    }
}
