import AsyncLoop
import WSLoop

/// The memory of very many sleeping tasks.
struct Crowd {
    let tasks: Int

    func run() throws {
        try LoopExecutor.run { loop in
            let before = SystemLimits.residentMemoryBytes()
            await withDiscardingTaskGroup { group in
                for _ in 0..<tasks {
                    group.addTask { try? await loop.sleep(for: .seconds(1000)) }
                }
                // All have begun to sleep when this task's next turn comes.
                try? await loop.sleep(for: .milliseconds(1))
                let bytes = SystemLimits.residentMemoryBytes() - before
                print("tasks \(tasks) bytes_each \(bytes / tasks) pending \(loop.report().pending)")
                group.cancelAll()
            }
        }
    }
}
