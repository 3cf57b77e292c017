internal import Synchronization

/// Allows one log line per second from all threads together, so that a flood of events does not fill a disk as well.
struct LineLimit: ~Copyable {
    private static let intervalNanoseconds: UInt64 = 1_000_000_000

    private let lastNanoseconds = Atomic<UInt64>(0)

    /// Whether a line may be written now; if so, no other for a second.
    func admitsLine(atNanoseconds now: UInt64) -> Bool {
        let last = lastNanoseconds.load(ordering: .relaxed)
        guard last == 0 || now > last + LineLimit.intervalNanoseconds else { return false }
        return lastNanoseconds.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
    }
}
