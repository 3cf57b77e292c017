internal import WSLoop

/// The monotonic clock of a loop; its sleeps are the loop's timers.
public struct LoopClock: Clock {
    /// A time of the clock.
    public struct Instant: InstantProtocol {
        /// Nanoseconds since an arbitrary start.
        public let nanoseconds: UInt64

        /// Makes the instant this many nanoseconds after the start.
        public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

        /// The instant this much later, or earlier if the duration is negative.
        public func advanced(by duration: Duration) -> Instant {
            guard duration >= .zero else {
                let back = LoopClock.nanoseconds(.zero - duration)
                return Instant(nanoseconds: nanoseconds - min(back, nanoseconds))
            }
            let (sum, isOver) = nanoseconds.addingReportingOverflow(LoopClock.nanoseconds(duration))
            return Instant(nanoseconds: isOver ? .max : sum)
        }

        /// The time from this instant to another.
        public func duration(to other: Instant) -> Duration {
            other < self
                ? .zero - .nanoseconds(nanoseconds - other.nanoseconds)
                : .nanoseconds(other.nanoseconds - nanoseconds)
        }

        /// Whether one instant is before another.
        public static func < (one: Instant, other: Instant) -> Bool { one.nanoseconds < other.nanoseconds }
    }

    let loop: LoopExecutor

    /// The time now.
    public var now: Instant { LoopClock.now }

    /// The time now.
    public static var now: Instant { Instant(nanoseconds: Loop.monotonicNanoseconds) }

    /// The resolution of the loop's timers.
    public var minimumResolution: Duration { loop.timerResolution }

    /// Sleeps on the loop; the tolerance is the loop's resolution.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try await loop.sleep(until: deadline)
    }

    /// A duration that is not negative, in nanoseconds; at most about 584 years.
    static func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, isOver) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isOverToo) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return isOver || isOverToo ? .max : sum
    }
}
