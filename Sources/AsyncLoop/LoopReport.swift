internal import WSLoop

/// What a loop has to do, and how well it does it: for a look at leaks and stalls.
public struct LoopReport: Sendable, CustomStringConvertible {
    /// What is open or waited for, by name, such as `stream 127.0.0.1:5000, reading` or `3 sleeping tasks`.
    public let pending: [String]
    /// The number of jobs (parts of tasks) that are ready to run.
    public let queueDepth: Int
    /// The largest number of jobs that were left at the end of a turn, because the turn's limit was reached.
    public let longestQueue: Int
    /// The time from events until the loop looked for the next ones, at its longest.
    ///
    /// A task that computes or blocks for long shows here: nothing else runs meanwhile.
    public let longestTurn: Duration
    /// The number of turns and of jobs so far.
    public let turns: Int, jobs: Int

    /// Whether nothing is open, waits or is ready to run.
    public var isClean: Bool { pending.isEmpty && queueDepth == 0 }

    /// All figures, and one line for each thing that is pending.
    public var description: String {
        let head = """
            \(turns) turns, \(jobs) jobs, longest turn \(longestTurn), \
            \(queueDepth) jobs ready, at most \(longestQueue) left by a turn, \(pending.count) pending
            """
        return ([head] + pending.map { "  \($0)" }).joined(separator: "\n")
    }
}

/// A loop was closed while something was open or waited for.
public struct LoopLeak: Error, CustomStringConvertible {
    /// What was left.
    public let report: LoopReport

    /// What was left, in words.
    public var description: String { "the loop was closed too early: \(report)" }
}

extension LoopExecutor {
    /// What is pending, the longest turn and the depth of the queue; call it on the loop, as all tasks on it do.
    ///
    /// - Parameter restartingMaxima: whether the next report's maxima begin now.
    public func report(restartingMaxima: Bool = false) -> LoopReport {
        let core = core.here
        defer { if restartingMaxima { core.meter.restart() } }
        var pending = core.resources.values.map(\.name) + core.descriptors.names
        if core.sleepers.count > 0 { pending.append("\(core.sleepers.count) sleeping tasks and deadlines") }
        return LoopReport(
            pending: pending.sorted(), queueDepth: core.jobs.count, longestQueue: core.meter.longestQueue,
            longestTurn: .nanoseconds(core.meter.longestTurnNanoseconds), turns: core.meter.turns,
            jobs: core.meter.jobs)
    }
}
