internal import Synchronization
internal import WSLoop

/// The bytes that all workers together hold for clients; safe on any thread.
struct ByteAccounts: ~Copyable, Sendable {
    private static let overBudgetNanoseconds: UInt64 = 1_000_000_000

    private let queued = Atomic<Int>(0)
    private let received = Atomic<Int>(0)
    private let peak = Atomic<Int>(0)
    private let shedNanoseconds = Atomic<UInt64>(0)

    /// The bytes queued for clients.
    var outbound: Int { queued.load(ordering: .relaxed) }

    /// The bytes of clients' input that are still held.
    var inbound: Int { received.load(ordering: .relaxed) }

    /// Notes a change of a worker's queued bytes; returns the total.
    func countOutbound(_ change: Int) -> Int {
        let total = queued.add(change, ordering: .relaxed).newValue
        if change > 0 { notePeak(total + inbound) }
        return total
    }

    /// Notes a change of the input that a worker holds; returns the total.
    func countInbound(_ change: Int) -> Int {
        guard change != 0 else { return inbound }
        let total = received.add(change, ordering: .relaxed).newValue
        if change > 0 { notePeak(total + outbound) }
        return total
    }

    /// The most bytes held, in both directions, since the last call.
    func takePeak() -> Int {
        peak.exchange(0, ordering: .relaxed)
    }

    /// Notes that queues were dropped because of the budget; returns whether to log it.
    func noteShed(atNanoseconds now: UInt64) -> Bool {
        let last = shedNanoseconds.exchange(now, ordering: .relaxed)
        return last == 0 || now > last + ByteAccounts.overBudgetNanoseconds
    }

    /// Whether the budget for queues was exceeded a moment ago.
    var isOverBudget: Bool {
        let shed = shedNanoseconds.load(ordering: .relaxed)
        guard shed != 0 else { return false }
        let now = Loop.monotonicNanoseconds
        return now < shed || now - shed < ByteAccounts.overBudgetNanoseconds
    }

    private func notePeak(_ bytes: Int) {
        guard bytes > peak.load(ordering: .relaxed) else { return }
        peak.max(bytes, ordering: .relaxed)
    }
}
