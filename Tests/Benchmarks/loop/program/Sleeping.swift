import AsyncLoop

/// Many tasks that sleep at the same time, several times over.
struct Sleeping {
    let tasks: Int, milliseconds: Int, rounds: Int

    func run() throws {
        try LoopExecutor.run { loop in
            for _ in 0..<rounds {
                let (begin, cpu) = (LoopClock.now, cpuSeconds())
                await withDiscardingTaskGroup { group in
                    for _ in 0..<tasks {
                        group.addTask { try? await loop.sleep(for: .milliseconds(milliseconds)) }
                    }
                }
                let wall = seconds(begin.duration(to: LoopClock.now))
                print("wall_ms \(wall * 1000) cpu_ms \((cpuSeconds() - cpu) * 1000)")
            }
        }
    }
}
