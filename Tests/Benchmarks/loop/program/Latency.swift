import AsyncLoop
import Glibc

/// How late tasks run: after the deadline of a sleep, and after another task has resumed them.
struct Latency {
    let samples: Int

    func run() throws {
        try LoopExecutor.run { loop in
            var late: [Double] = []
            for _ in 0..<samples {
                let deadline = LoopClock.now.advanced(by: .milliseconds(1))
                try await loop.sleep(until: deadline)
                late.append(seconds(deadline.duration(to: LoopClock.now)) * 1e6)
            }
            print("sleep", Latency.figures(late))
            var resumed: [Double] = []
            for _ in 0..<samples {
                let begin = LoopClock.now
                await Task(executorPreference: loop) {}.value
                resumed.append(seconds(begin.duration(to: LoopClock.now)) * 1e6)
            }
            print("task", Latency.figures(resumed))
        }
    }

    private static func figures(_ microseconds: [Double]) -> String {
        let sorted = microseconds.sorted()
        return "p50_us \(sorted[sorted.count / 2]) p99_us \(sorted[sorted.count * 99 / 100])"
    }
}
