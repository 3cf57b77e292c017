internal import Synchronization
internal import WSLoop

extension LoopExecutor {
    /// Runs blocking or long computing code on a thread of the pool, and suspends the task meanwhile.
    ///
    /// At most `LoopOptions.blockingThreads` run at a time, further ones wait in order. Code that has begun cannot be
    /// interrupted: a cancelled task waits for its end and gets its result.
    ///
    /// - Throws: what `body` throws; `CancellationError` if the task was cancelled before a thread began.
    public func runBlocking<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        guard isCurrent else { return try await onLoop { try await self.runBlocking(body) } }
        let places = core.here.blockingPlaces
        guard await acquire(Confined(places, to: core.here)) == .ready else { throw CancellationError() }
        defer { places.release() }
        guard let result = try await onPool("blocking code", { Swift.Result { try body() } }) else {
            throw CancellationError()
        }
        return try result.get()
    }

    /// Runs a call on the pool, without a limit; nil if it was cancelled before a thread took it.
    func onPool<Result: Sendable>(
        _ name: String, _ body: @escaping @Sendable () -> Result
    ) async throws(SystemError) -> Result? {
        let core = core.here
        let result = PoolResult<Result>()
        let call = PoolCall(name)
        let work = try PoolWork.start(on: core.loop) {
            result.store(body())
        } completion: { _ in
            call.finish()
        }
        core.add(call)
        defer { core.remove(call) }
        // libuv refers to the call until its end, so a cancelled task also waits for it.
        while !call.isFinished {
            let place = Confined(call.place, to: core)
            if call.isCancelled {
                await waitUncancellably(place)
            } else if await wait(place) == .cancelled {
                call.isCancelled = true
                work.cancel()
            }
        }
        return result.take()
    }
}

/// A call on the pool that a task waits for.
private final class PoolCall: Resource {
    let place = WaitPlace()
    let name: String
    var isCancelled = false
    private(set) var isFinished = false

    init(_ name: String) { self.name = name }

    func finish() {
        isFinished = true
        place.wake(.ready)
    }

    func abandon() {}
}

/// Carries a result from a thread of the pool to the loop.
private final class PoolResult<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func store(_ value: Value) { self.value.withLock { $0 = value } }
    func take() -> Value? { value.withLock { $0.take() } }
}
