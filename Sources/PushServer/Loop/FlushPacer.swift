/// How long a busy loop waits between two flushes, so that more messages leave with each system call.
public enum Pacing: String, CaseIterable, Sendable {
    /// No wait.
    case latency
    /// About a seventh of the duration of the last flush.
    case balanced
    /// As long as the last flush took.
    case throughput

    var restPerFlush: Double {
        switch self {
        case .latency: 0
        case .balanced: 0.15
        case .throughput: 1
        }
    }
}

/// Decides when busy channels may be flushed again: those that get messages faster than they are flushed.
///
/// Only they wait; a quiet channel's message leaves at once. Times are nanoseconds on one clock.
struct FlushPacer {
    /// The longest wait, however long a flush took.
    static let maxRestNanoseconds: UInt64 = 4_000_000

    private let restPerFlush: Double
    private(set) var restEndNanoseconds: UInt64 = 0

    init(_ pacing: Pacing) {
        restPerFlush = pacing.restPerFlush
    }

    func isResting(at now: UInt64) -> Bool { now < restEndNanoseconds }

    /// Notes a flush of busy channels.
    mutating func flushed(from start: UInt64, to end: UInt64) {
        let rest = Double(end - start) * restPerFlush
        restEndNanoseconds = end + min(UInt64(rest), FlushPacer.maxRestNanoseconds)
    }
}
