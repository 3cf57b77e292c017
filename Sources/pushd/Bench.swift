import ArgumentParser
import Bench
import Glibc
import WSLoop

/// Measures a running server.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a running server: connect subscribers, publish, count every delivery.",
        discussion: """
            Latency is the time from when a message was due to when a subscriber has read it. The report goes to standard \
            output, a line of progress each second to standard error. Ctrl-C ends the run early, with its report. The exit \
            status is 0 if every message arrived at every subscriber, and 1 if not.

            --redis, --redis-prefix, --publish-key and --publish-key-file are also read from serve's environment variables.
            """)

    @OptionGroup var options: BenchOptions

    func run() throws {
        let plan = try BenchPlan(options, try Pushd.sources.get())
        let problem: String?
        do throws(SystemError) {
            problem = try measure(plan)
        } catch {
            problem = error.description
        }
        guard let problem else { return }
        StandardErrorLog.write("pushd: \(problem)\n")
        throw ExitCode.failure
    }

    /// Runs the plan and prints the report; returns the problem, if any.
    private func measure(_ plan: BenchPlan) throws(SystemError) -> String? {
        let allowed = SystemLimits.raiseDescriptorLimit()
        guard plan.neededDescriptors <= allowed else {
            return "--connections: \(plan.connections) connections need \(plan.neededDescriptors) descriptors, "
                + "but the hard limit is \(allowed) (ulimit -Hn)"
        }
        // On a terminal one line changes; in a file each update is a line.
        let isTerminal = isatty(STDERR_FILENO) == 1
        let (begin, end) = isTerminal ? ("\r\u{1B}[K", "") : ("", "\n")
        let report = try BenchRun.run(plan, endingOn: [SIGINT, SIGTERM]) { progress in
            StandardErrorLog.write(begin + progress.line + end)
        }
        if isTerminal { StandardErrorLog.write(begin) }
        print(options.json ? String(decoding: report.json, as: UTF8.self) + "\n" : report.table, terminator: "")
        return report.problem
    }
}
