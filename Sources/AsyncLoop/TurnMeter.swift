/// Counts what a loop does, and how long its turns take.
struct TurnMeter {
    private(set) var turns = 0
    var jobs = 0
    private(set) var longestTurnNanoseconds: UInt64 = 0
    private(set) var longestQueue = 0
    private var begin: UInt64?

    /// Events were handled, and tasks begin to run.
    mutating func begin(at nanoseconds: UInt64) {
        turns += 1
        begin = nanoseconds
    }

    /// The loop is about to wait for events.
    mutating func end(at nanoseconds: UInt64, queued: Int) {
        longestQueue = max(longestQueue, queued)
        guard let begin else { return }
        longestTurnNanoseconds = max(longestTurnNanoseconds, nanoseconds - begin)
        self.begin = nil
    }

    /// Forgets the maxima.
    mutating func restart() {
        longestTurnNanoseconds = 0
        longestQueue = 0
    }
}
