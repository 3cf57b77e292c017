import AsyncLoop
import TestSupport
import Testing

struct SleepTests {
    @Test func sleepsEndInTheOrderOfTheirDeadlinesAndNeverEarly() async throws {
        try await onLoop { loop in
            let notes = Notes<Int>()
            let begin = LoopClock.now
            await withTaskGroup(of: Void.self) { group in
                for delay in [30, 10, 0, 20] {
                    group.addTask {
                        try? await loop.sleep(for: .milliseconds(delay))
                        #expect(begin.duration(to: LoopClock.now) >= .milliseconds(delay))
                        notes.add(delay)
                    }
                }
            }
            #expect(notes.all == [0, 10, 20, 30])
        }
    }

    @Test func tenThousandTasksSleep() async throws {
        try await onLoop { loop in
            let awake = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<10_000 {
                    group.addTask { (try? await loop.sleep(for: .milliseconds(1))) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(awake == 10_000)
            #expect(loop.report().pending.isEmpty)
        }
    }

    @Test func cancellationEndsASleepAtOnce() async throws {
        try await onLoop { loop in
            let task = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(1000)) }
            try await loop.turn(for: "the sleep") { !loop.report().pending.isEmpty }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            // Before the sleep began:
            let other = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(1000)) }
            other.cancel()
            await #expect(throws: CancellationError.self) { try await other.value }
            #expect(loop.report().pending.isEmpty)
        }
    }

    @Test func cancellationFromAnotherThreadEndsASleep() async throws {
        try await onLoop { loop in
            for _ in 0..<200 {
                let task = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(1000)) }
                let canceller = Task.detached { task.cancel() }
                await #expect(throws: CancellationError.self) { try await task.value }
                await canceller.value
            }
            #expect(loop.report().pending.isEmpty)
        }
    }

    @Test func theClockMeasuresAndSleeps() async throws {
        try await onLoop { loop in
            let clock = loop.clock
            let elapsed = try await clock.measure { try await clock.sleep(for: .milliseconds(3)) }
            #expect(elapsed >= .milliseconds(3))
            #expect(clock.minimumResolution == .microseconds(10))
            let now = clock.now
            #expect(now.duration(to: now.advanced(by: .seconds(-1))) == .seconds(-1))
            #expect(now.advanced(by: .seconds(1 << 40)) > now)
        }
    }

    @Test func aTimeoutCancelsItsBody() async throws {
        try await onLoop { loop in
            let limit = Duration.milliseconds(5)
            await #expect(throws: TimedOut(limit: limit)) {
                try await loop.withTimeout(limit) { try await loop.sleep(for: .seconds(1000)) }
            }
            let inTime = try await loop.withTimeout(.seconds(1000)) { 7 }
            #expect(inTime == 7)
            await #expect(throws: TestFailure.self) {
                try await loop.withTimeout(.seconds(1000)) { throw TestFailure(description: "meant") }
            }
            #expect(loop.report().pending.isEmpty)
        }
    }

    @Test func theCallersCancellationReachesATimeoutsBody() async throws {
        try await onLoop { loop in
            let task = Task(executorPreference: loop) {
                try await loop.withTimeout(.seconds(1000)) { try await loop.sleep(for: .seconds(2000)) }
            }
            try await loop.turn(for: "the sleep") { !loop.report().pending.isEmpty }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func aTimeoutOfACancelledMainTaskFromAnotherExecutor() async throws {
        try await onLoop { loop in
            let result = try await Task.detached { try await loop.withTimeout(.seconds(1000)) { 7 } }.value
            #expect(result == 7)
        }
    }
}
