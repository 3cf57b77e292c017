internal import WSLoop

/// A time limit has passed.
public struct TimedOut: Error, Equatable, Sendable, CustomStringConvertible {
    /// The limit.
    public let limit: Duration

    /// Makes the error.
    public init(limit: Duration) { self.limit = limit }

    /// The limit in words.
    public var description: String { "took longer than \(limit)" }
}

extension LoopExecutor {
    /// Runs `body` on the loop, in a child task that is cancelled when the time has passed.
    ///
    /// It returns when `body` has ended, so a body that ignores its cancellation takes longer. A stream's own time
    /// limits cost less.
    ///
    /// - Throws: `TimedOut` if `body` throws after its cancellation; otherwise what `body` throws.
    public func withTimeout<Result: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask(executorPreference: self) { try await self.cancelling(after: limit, body) }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }

    /// Runs `body` in the current task, which is cancelled at the deadline, and then must end.
    private func cancelling<Result>(
        after limit: Duration, _ body: () async throws -> Result
    ) async throws -> Result {
        let deadline = LoopClock.now.advanced(by: limit)
        let ticket = unsafe withUnsafeCurrentTask { task in
            // The ticket is removed before the task ends, so the reference is valid whenever it is used.
            let task = unsafe task
            return core.here.sleepers.call(at: deadline.nanoseconds) { unsafe task?.cancel() }
        }
        do {
            let result = try await body()
            core.here.sleepers.remove(ticket)
            return result
        } catch {
            throw core.here.sleepers.remove(ticket) ? error : TimedOut(limit: limit)
        }
    }
}
