internal import WSLoop

/// Why a wait has ended.
enum Wake: Sendable {
    /// What was waited for has happened.
    case ready
    /// The task was cancelled.
    case cancelled
    /// The deadline has passed.
    case timedOut
    /// What was waited for was closed.
    case closed
}

/// The place of one task that waits for something on its loop.
@safe
final class WaitPlace {
    private var continuation: UnsafeContinuation<Wake, Never>?
    /// Distinguishes the waits, so that a late cancellation or deadline of one does not end the next.
    private var number: UInt32 = 0

    /// Whether a task waits.
    var isTaken: Bool { unsafe continuation != nil }

    /// Begins a wait.
    ///
    /// - Returns: its number.
    func begin() -> UInt32 {
        precondition(!isTaken, "two tasks wait for the same event of a stream, listener or process")
        number &+= 1
        return number
    }

    fileprivate func suspend(_ continuation: UnsafeContinuation<Wake, Never>) {
        unsafe self.continuation = continuation
    }

    /// Resumes the task that waits, if any.
    func wake(_ wake: Wake) {
        guard let continuation = unsafe continuation.take() else { return }
        unsafe continuation.resume(returning: wake)
    }

    /// Resumes the task if its wait still is the one with this number.
    func wake(_ wake: Wake, number: UInt32) {
        if number == self.number { self.wake(wake) }
    }
}

extension LoopExecutor {
    /// Suspends the task, which must be on the loop, until its place is woken, the deadline passes or it is cancelled.
    func wait(
        _ place: Confined<WaitPlace>, until deadline: LoopClock.Instant? = nil,
        isolation: isolated (any Actor)? = #isolation
    ) async -> Wake {
        let number = place.here.begin()
        let ticket = deadline.map { deadline in
            core.here.sleepers.call(at: deadline.nanoseconds) { place.here.wake(.timedOut, number: number) }
        }
        let wake = await withTaskCancellationHandler {
            _ = isolation  // stays on the actor, if there is one
            return unsafe await withUnsafeContinuation { continuation in
                // A cancellation until now has found no one to wake; a later one does.
                if Task.isCancelled {
                    unsafe continuation.resume(returning: Wake.cancelled)
                } else {
                    unsafe place.here.suspend(continuation)
                }
            }
        } onCancel: {
            perform { place.here.wake(.cancelled, number: number) }
        }
        if let ticket { core.here.sleepers.remove(ticket) }
        return wake
    }

    /// Suspends the task, which must be on the loop, until its place is woken, even if the task is cancelled.
    func waitUncancellably(_ place: Confined<WaitPlace>) async {
        _ = place.here.begin()
        _ = unsafe await withUnsafeContinuation { unsafe place.here.suspend($0) }
    }
}
