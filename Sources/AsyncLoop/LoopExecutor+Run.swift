internal import Synchronization
internal import WSLoop

extension LoopExecutor {
    /// Makes a loop, runs `main` on it, and closes it; blocks the calling thread meanwhile.
    ///
    /// - Throws: what `main` throws; `LoopLeak` if a task or handle is left; `SystemError` if there is no loop.
    public static func run<Result: Sendable>(
        _ options: LoopOptions = LoopOptions(),
        _ main: @escaping @Sendable (LoopExecutor) async throws -> Result
    ) throws -> Result {
        let loop = try LoopExecutor(options)
        let outcome = Swift.Result { try loop.run { try await main(loop) } }
        try loop.close()
        return try outcome.get()
    }

    /// Runs `main` on the loop until it returns; blocks the calling thread, which is the loop's meanwhile.
    ///
    /// A loop may run several times, one after the other, until it is closed.
    public func run<Result: Sendable, Failure: Error>(
        _ main: @escaping @Sendable () async throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(unsafe CurrentLoop.identity == nil, "LoopExecutor.run: a loop runs on this thread already")
        let outcome = Outcome<Result, Failure>()
        let core = enter()
        Task(executorPreference: self) {
            do throws(Failure) {
                outcome.store(.success(try await main()))
            } catch {
                outcome.store(.failure(error))
            }
            self.core.here.loop.stop()
        }
        core.loop.run()
        leave(core)
        return try outcome.take().get()
    }

    /// Closes a loop that is not running, and proves that nothing is left.
    ///
    /// If tasks still wait or handles are open, they are ended: sleeps and reads throw, streams close. A task that does
    /// not end then is the program's error.
    ///
    /// - Throws: what was left, after ending it.
    public func close() throws(LoopLeak) {
        let core = enter()
        let report = report()
        if !report.isClean { core.windUp() }
        core.close()
        leave(core)
        if !report.isClean { throw LoopLeak(report: report) }
    }

    /// Makes the calling thread the loop's.
    private func enter() -> LoopCore {
        let core = core.ofStoppedLoop
        precondition(core.executor == nil, "LoopExecutor: it is already running")
        core.executor = self
        CurrentLoop.set(core)
        core.meter.begin(at: Loop.monotonicNanoseconds)
        return core
    }

    private func leave(_ core: LoopCore) {
        core.executor = nil
        CurrentLoop.set(nil)
    }
}

/// What a main task has returned.
private final class Outcome<Value: Sendable, Failure: Error>: Sendable {
    private let result = Mutex<Result<Value, Failure>?>(nil)

    func store(_ value: Result<Value, Failure>) {
        result.withLock { $0 = value }
    }

    func take() -> Result<Value, Failure> {
        guard let value = result.withLock({ $0.take() }) else {
            preconditionFailure("LoopExecutor.run: the loop ended before its main task")
        }
        return value
    }
}
