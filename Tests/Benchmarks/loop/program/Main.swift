import AsyncLoop
import Glibc

/// Programs that measure AsyncLoop; Tests/Benchmarks/loop/run.py runs them beside those of other loops.
@main
struct Main {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.dropFirst().compactMap { Int($0) }
        switch (arguments.first, numbers.count) {
        case ("sleep", 3): try Sleeping(tasks: numbers[0], milliseconds: numbers[1], rounds: numbers[2]).run()
        case ("memory", 1): try Crowd(tasks: numbers[0]).run()
        case ("latency", 1): try Latency(samples: numbers[0]).run()
        case ("cancel", 1): try Cancelling(count: numbers[0]).run()
        case ("hello", 1): try Hello(port: UInt16(numbers[0])).run()
        default:
            print("usage: loop-bench sleep TASKS MS ROUNDS | memory TASKS | latency SAMPLES | cancel TASKS")
            print("       loop-bench hello PORT")
            exit(64)
        }
    }
}

/// The CPU time of the process so far in seconds.
func cpuSeconds() -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A duration in seconds.
func seconds(_ duration: Duration) -> Double {
    let (whole, atto) = duration.components
    return Double(whole) + Double(atto) / 1e18
}
