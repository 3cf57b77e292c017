/// The settings of a loop.
public struct LoopOptions: Sendable {
    /// The most jobs (parts of tasks) that run before the loop looks for events again.
    ///
    /// Fewer make input and timers more punctual under load, more save system calls.
    public var jobsPerTurn: Int
    /// Timers fire at multiples of this time, so that sleeps which end shortly after each other share a wake-up.
    ///
    /// A sleep never ends early, and at most this much late on an idle loop.
    public var timerResolution: Duration
    /// The most closures of `runBlocking` that run at the same time; further ones wait.
    ///
    /// They run on libuv's thread pool, which gets this many threads and four for files, unless the environment sets
    /// UV_THREADPOOL_SIZE. The first loop of a process decides on the pool's size.
    public var blockingThreads: Int
    /// The most bytes that one read of a stream returns; the loop has one buffer of this size.
    public var readBufferBytes: Int

    /// Makes the settings.
    public init(
        jobsPerTurn: Int = 1024, timerResolution: Duration = .microseconds(10), blockingThreads: Int = 4,
        readBufferBytes: Int = 1 << 18
    ) {
        precondition(jobsPerTurn > 0 && blockingThreads > 0, "LoopOptions: a limit must be positive")
        precondition(timerResolution > .zero, "LoopOptions: a resolution must be positive")
        precondition(readBufferBytes >= 1 << 15, "LoopOptions: a TLS record does not fit the read buffer")
        self.jobsPerTurn = jobsPerTurn
        self.timerResolution = timerResolution
        self.blockingThreads = blockingThreads
        self.readBufferBytes = readBufferBytes
    }
}
