/// A timing wheel: which slots are due at which tick, at a cost that does not grow with their number.
///
/// It is lazy: a deadline that moves later is not touched here; the slot comes up at its old tick and is put in again.
struct DeadlineWheel {
    static let tickMilliseconds: UInt64 = 250

    private var buckets: [[UInt32]]
    private(set) var currentTick: UInt32 = 0

    /// - Parameter ticks: how far ahead it can see; what is due later comes up early and is put in again.
    init(ticks: Int = 512) {
        buckets = Array(repeating: [], count: ticks)
    }

    /// Puts a slot in.
    ///
    /// - Returns: the tick at which it will come up.
    mutating func insert(_ slot: UInt32, at tick: UInt32) -> UInt32 {
        let earliest = currentTick + 1
        let latest = currentTick + UInt32(buckets.count) - 1
        let due = min(max(tick, earliest), latest)
        buckets[Int(due) % buckets.count].append(slot)
        return due
    }

    /// Moves on by one tick and returns who is due.
    mutating func advance() -> [UInt32] {
        currentTick += 1
        let index = Int(currentTick) % buckets.count
        defer { buckets[index] = [] }
        return buckets[index]
    }

    /// Whole ticks that are not shorter than `duration`, and one at least.
    static func ticks(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow else { return UInt32.max / 2 }
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        let total = UInt64(clamping: milliseconds.partialValue) + UInt64(clamping: rest)
        return UInt32(clamping: min(max((total + tickMilliseconds - 1) / tickMilliseconds, 1), UInt64(UInt32.max / 2)))
    }
}
