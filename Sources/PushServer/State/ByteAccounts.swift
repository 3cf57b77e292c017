internal import Synchronization
internal import WSLoop

/// The bytes that all workers together hold for clients; safe from any thread.
struct ByteAccounts: ~Copyable, Sendable {
    private static let overBudgetNanoseconds: UInt64 = 1_000_000_000

    private let queued = Atomic<Int>(0)
    private let received = Atomic<Int>(0)
    private let peak = Atomic<Int>(0)
    private let shedNanoseconds = Atomic<UInt64>(0)

    /// What is queued for clients.
    var outbound: Int { queued.load(ordering: .relaxed) }

    /// What clients have sent and is still held.
    var inbound: Int { received.load(ordering: .relaxed) }

    /// Notes that a worker's queues have grown or shrunk; returns what is queued in all.
    func countOutbound(_ change: Int) -> Int {
        let total = queued.add(change, ordering: .relaxed).newValue
        if change > 0 { notePeak(total + inbound) }
        return total
    }

    /// Notes that what peers make a worker hold has grown or shrunk; returns what all hold.
    func countInbound(_ change: Int) -> Int {
        guard change != 0 else { return inbound }
        let total = received.add(change, ordering: .relaxed).newValue
        if change > 0 { notePeak(total + outbound) }
        return total
    }

    /// The most that was held, both ways, since the last call.
    func takePeak() -> Int {
        peak.exchange(0, ordering: .relaxed)
    }

    /// Notes that queues were dropped because the budget was passed; returns whether that is worth a line in the log.
    func noteShed(atNanoseconds now: UInt64) -> Bool {
        let last = shedNanoseconds.exchange(now, ordering: .relaxed)
        return last == 0 || now > last + ByteAccounts.overBudgetNanoseconds
    }

    /// Whether the budget for what is queued was passed a moment ago.
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
