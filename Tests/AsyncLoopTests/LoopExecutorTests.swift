import AsyncLoop
import Testing
import WSLoop

struct LoopExecutorTests {
    @Test func mainAndItsChildrenRunOnTheLoopsThread() async throws {
        try await onLoop { loop in
            #expect(loop.isCurrent)
            async let child = loop.isCurrent
            #expect(await child)
            let inGroup = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<10 { group.addTask { loop.isCurrent } }
                return await group.reduce(true) { $0 && $1 }
            }
            #expect(inGroup)
            await Task.yield()
            #expect(loop.isCurrent)
        }
    }

    @Test func runReturnsTheResultAndThrowsTheError() throws {
        let loop = try LoopExecutor()
        #expect(loop.run { 7 } == 7)
        #expect(throws: TestFailure.self) { try loop.run { throw TestFailure(description: "meant") } }
        #expect(loop.run { 8 } == 8)
        try loop.close()
    }

    @Test func anActorWithItsExecutorRunsOnTheLoop() async throws {
        actor Counter {
            let loop: LoopExecutor
            var count = 0
            init(_ loop: LoopExecutor) { self.loop = loop }
            nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
            func add() -> Int {
                loop.preconditionIsolated()
                count += 1
                return count
            }
        }
        try await onLoop { loop in
            let counter = Counter(loop)
            for number in 1...100 { #expect(await counter.add() == number) }
            let fromElsewhere = await Task.detached { await counter.add() }.value
            #expect(fromElsewhere == 101)
        }
    }

    @Test func tasksOfOtherThreadsChangeToTheLoopAndBack() async throws {
        try await onLoop { loop in
            let task = Task.detached {
                let before = loop.isCurrent
                try await loop.sleep(for: .microseconds(10))
                return (before, loop.isCurrent)
            }
            let (before, after) = try await task.value
            #expect(!before && !after)
            #expect(loop.isCurrent)
        }
    }

    @Test func jobsOfManyThreadsAllRun() async throws {
        try await onLoop { loop in
            let total = Counter()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask(executorPreference: globalConcurrentExecutor) {
                        for _ in 0..<100 {
                            await Task(executorPreference: loop) { _ = total.add() }.value
                        }
                    }
                }
            }
            #expect(total.value == 2000)
        }
    }

    @Test func aBusyTaskDoesNotKeepEventsFromOthers() async throws {
        // A task that always has a job ready, and a limit of one job per turn.
        try await onLoop(LoopOptions(jobsPerTurn: 1)) { loop in
            let over = Counter()
            async let busy: Void = {
                while over.value == 0 { await Task.yield() }
            }()
            for _ in 0..<10 { try await loop.sleep(for: .milliseconds(1)) }
            over.add()
            await busy
            #expect(loop.report().longestQueue >= 1)
        }
    }

    @Test func closingReportsAndEndsWhatIsLeft() throws {
        let loop = try LoopExecutor()
        let ends = Notes<String>()
        loop.run {
            Task(executorPreference: loop) {
                do { try await loop.sleep(for: .seconds(1000)) } catch { ends.add("cancelled") }
            }
            await Task.yield()
        }
        let leak = #expect(throws: LoopLeak.self) { try loop.close() }
        #expect(leak?.report.pending == ["1 sleeping tasks and deadlines"])
        #expect(ends.all == ["cancelled"])
    }

    @Test func theReportCountsTurnsJobsAndTheLongestTurn() async throws {
        try await onLoop { loop in
            #expect(loop.report().pending.isEmpty)
            let begin = LoopClock.now
            while begin.duration(to: LoopClock.now) < .milliseconds(5) {}
            try await loop.sleep(for: .milliseconds(1))
            let report = loop.report(restartingMaxima: true)
            #expect(report.longestTurn >= .milliseconds(5))
            #expect(report.turns > 0 && report.jobs > 0)
            #expect(loop.report().longestTurn < report.longestTurn)
        }
    }
}
