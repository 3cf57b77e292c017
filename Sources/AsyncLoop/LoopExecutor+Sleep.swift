internal import WSLoop

extension LoopExecutor {
    /// The loop's clock.
    public var clock: LoopClock { LoopClock(loop: self) }

    /// The resolution of the loop's timers.
    public var timerResolution: Duration { options.timerResolution }

    // The fewer functions a sleeping task is in, the less memory it has: the first two are inlined into the caller.

    /// Suspends the task for at least this time, or until it is cancelled.
    @inlinable
    public func sleep(for duration: Duration) async throws(CancellationError) {
        try await sleep(until: LoopClock.now.advanced(by: duration))
    }

    /// Suspends the task until a time, or until it is cancelled.
    @inlinable
    public func sleep(until deadline: LoopClock.Instant) async throws(CancellationError) {
        guard await isCurrent ? pause(deadline) : pauseElsewhere(deadline) else { throw CancellationError() }
    }

    @usableFromInline
    func pauseElsewhere(_ deadline: LoopClock.Instant) async -> Bool {
        await onLoop { await self.pause(deadline) }
    }

    /// Returns false if the task is cancelled before the deadline.
    @usableFromInline
    func pause(
        _ deadline: LoopClock.Instant, isolation: isolated (any Actor)? = #isolation
    ) async -> Bool {
        let sleepers = core.here.sleepers
        let ticket = sleepers.reserve()
        return await withTaskCancellationHandler {
            _ = isolation  // stays on the actor, if there is one
            return unsafe await withUnsafeContinuation { continuation in
                // A cancellation until now has found no one to wake; a later one does.
                if Task.isCancelled {
                    sleepers.remove(ticket)
                    unsafe continuation.resume(returning: false)
                } else {
                    unsafe sleepers.add(.task(continuation), at: deadline.nanoseconds, ticket)
                }
            }
        } onCancel: {
            perform { self.core.here.sleepers.remove(ticket) }
        }
    }
}
