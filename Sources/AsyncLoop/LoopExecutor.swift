public import WSLoop

/// A libuv loop that runs Swift's tasks and actors on one thread.
///
/// ```swift
/// try LoopExecutor.run { loop in
///     try await loop.sleep(for: .milliseconds(1))
/// }
/// ```
///
/// Tasks that prefer this executor, their child tasks, and actors whose `unownedExecutor` it is, run on the thread that
/// called `run`. All methods may be called from any task: a task on the loop goes on without a change, and a task of
/// another executor changes to the loop and back, which takes microseconds.
public final class LoopExecutor: SerialExecutor, TaskExecutor {
    let core: Confined<LoopCore>
    /// The settings.
    public let options: LoopOptions
    private let entrance: Entrance
    private let actors: ActorExecutor

    /// Makes a loop, which does not run yet; it must be closed in the end.
    public init(_ options: LoopOptions = LoopOptions()) throws(SystemError) {
        let inbox = Inbox<Entrance.Arrival>()
        let core = try LoopCore(options, inbox)
        self.options = options
        self.core = Confined(core, to: core)
        entrance = Entrance(core: self.core, inbox: inbox)
        actors = ActorExecutor(entrance)
    }

    /// Whether the current thread runs this loop.
    public var isCurrent: Bool { core.isHere }

    // MARK: Executor

    /// Adds a job; called by Swift's runtime, on any thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        entrance.enqueue(LoopCore.Job(job: UnownedJob(job), isIsolated: false))
    }

    /// What actors on the loop return as their `unownedExecutor`.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: actors)
    }

    /// Whether the current code is isolated to this executor; called by Swift's runtime.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Traps on other threads than the loop's; called by Swift's runtime.
    public func checkIsolated() {
        precondition(isCurrent, "LoopExecutor: not on the loop's thread")
    }

    // MARK: Calls

    /// Runs a closure on the loop: now, if the caller is on the loop, and soon otherwise.
    ///
    /// A closed loop does not run it.
    func perform(_ body: @escaping @Sendable () -> Void) {
        entrance.perform(body)
    }

    /// Runs a closure on the loop, for a task of another executor.
    func onLoop<Result: Sendable, Failure>(
        _ body: @concurrent @Sendable () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await withTaskExecutorPreference(self, operation: body)
    }
}

/// The way to a loop's queue, from its own thread and from others.
struct Entrance: Sendable {
    /// What another thread hands to the loop.
    enum Arrival: Sendable {
        case job(LoopCore.Job)
        case call(@Sendable () -> Void)
    }

    let core: Confined<LoopCore>
    let inbox: Inbox<Arrival>

    func enqueue(_ job: LoopCore.Job) {
        guard !core.isHere else { return core.here.jobs.append(job) }
        let isTaken = inbox.post(.job(job))
        precondition(isTaken, "LoopExecutor: a task was resumed after its loop was closed")
    }

    func perform(_ body: @escaping @Sendable () -> Void) {
        if core.isHere { body() } else { inbox.post(.call(body)) }
    }
}

/// Gets the jobs of actors; with an object of its own, they can be told from those of tasks that belong to no actor.
private final class ActorExecutor: SerialExecutor {
    private let entrance: Entrance

    init(_ entrance: Entrance) { self.entrance = entrance }

    func enqueue(_ job: consuming ExecutorJob) {
        entrance.enqueue(LoopCore.Job(job: UnownedJob(job), isIsolated: true))
    }

    func isIsolatingCurrentContext() -> Bool? { entrance.core.isHere }

    func checkIsolated() {
        precondition(entrance.core.isHere, "LoopExecutor: not on the loop's thread")
    }
}
