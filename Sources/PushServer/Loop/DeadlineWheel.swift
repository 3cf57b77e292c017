/// A timing wheel: returns the slots that are due at a tick, at a cost that does not depend on the number of slots.
///
/// It is lazy: postponing a deadline does not touch it. The slot comes up at its old tick and is inserted again.
struct DeadlineWheel {
    static let tickMilliseconds: UInt64 = 250

    private var buckets: [[UInt32]]
    private(set) var currentTick: UInt32 = 0

    /// - Parameter ticks: the size of the wheel; a slot due later comes up early and is inserted again.
    init(ticks: Int = 512) {
        buckets = Array(repeating: [], count: ticks)
    }

    /// Inserts a slot.
    ///
    /// - Returns: the tick at which it will come up.
    mutating func insert(_ slot: UInt32, at tick: UInt32) -> UInt32 {
        let earliest = currentTick + 1
        let latest = currentTick + UInt32(buckets.count) - 1
        let due = min(max(tick, earliest), latest)
        buckets[Int(due) % buckets.count].append(slot)
        return due
    }

    /// Advances by one tick and returns the slots that are due.
    mutating func advance() -> [UInt32] {
        currentTick += 1
        let index = Int(currentTick) % buckets.count
        defer { buckets[index] = [] }
        return buckets[index]
    }

    /// The duration in ticks, rounded up, at least one.
    static func ticks(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow else { return UInt32.max / 2 }
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        let total = UInt64(clamping: milliseconds.partialValue) + UInt64(clamping: rest)
        return UInt32(clamping: min(max((total + tickMilliseconds - 1) / tickMilliseconds, 1), UInt64(UInt32.max / 2)))
    }
}
