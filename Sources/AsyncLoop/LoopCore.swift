internal import DequeModule
internal import WSLoop

/// What only the loop's thread touches: the libuv loop, the queue of jobs, and what waits.
final class LoopCore {
    let loop: Loop
    let options: LoopOptions
    let sleepers: Sleepers
    let descriptors: DescriptorTable
    let readBuffer: ReadBuffer
    let blockingPlaces: Places
    /// Each lookup has a thread (`NameLookup`).
    let lookupPlaces = Places(8)
    /// What is open besides descriptors, such as a listener or a process, under its identity.
    var resources: [ObjectIdentifier: any Resource] = [:]
    // Unchecked because each job touches them, and nothing that runs during an access can reach them again
    // (docs/decisions/0009).
    @safe @exclusivity(unchecked) var jobs = Deque<Job>()
    @safe @exclusivity(unchecked) var meter = TurnMeter()
    /// Set while the loop runs.
    var executor: LoopExecutor?

    /// A part of a task that is ready to run.
    struct Job: Sendable {
        let job: UnownedJob
        /// Whether it is an actor's; otherwise it belongs to no actor, and is here because its task prefers the loop.
        let isIsolated: Bool
    }

    private let inbox: Inbox<Entrance.Arrival>
    private let beforePoll: BeforeSleepHook
    private let afterPoll: AfterPollHook
    private let wakeful: WakefulHook

    init(_ options: LoopOptions, _ inbox: Inbox<Entrance.Arrival>) throws(SystemError) {
        PoolWork.setThreadCount(min(options.blockingThreads + 4, PoolWork.maxThreads))
        self.options = options
        self.inbox = inbox
        loop = try Loop()
        // A process that cannot make these handles is out of memory or descriptors; it leaks what it has made.
        beforePoll = try BeforeSleepHook(on: loop)
        afterPoll = try AfterPollHook(on: loop)
        wakeful = try WakefulHook(on: loop)
        sleepers = try Sleepers(on: loop, resolution: options.timerResolution)
        descriptors = try DescriptorTable(on: loop)
        readBuffer = ReadBuffer(byteCount: options.readBufferBytes)
        blockingPlaces = Places(options.blockingThreads)
        beforePoll.onEvent { [unowned self] in turnEnds() }
        afterPoll.onEvent { [unowned self] in turnBegins() }
        try inbox.open(on: loop) { [unowned self] in takeArrivals() }
    }

    // MARK: A turn

    /// After events were handled: runs the tasks that they have resumed.
    private func turnBegins() {
        meter.begin(at: Loop.monotonicNanoseconds)
        runJobs()
    }

    /// Before the loop waits for events: runs the tasks that timers and closed handles have resumed.
    private func turnEnds() {
        runJobs()
        sleepers.arm()
        wakeful.keepAwake(!jobs.isEmpty)
        meter.end(at: Loop.monotonicNanoseconds, queued: jobs.count)
    }

    /// Runs the queued jobs and those they add, up to the limit.
    private func runJobs() {
        guard let executor, !jobs.isEmpty else { return }
        let (serial, task) = unsafe (executor.asUnownedSerialExecutor(), executor.asUnownedTaskExecutor())
        var count = 0
        while count < options.jobsPerTurn, let job = jobs.popFirst() {
            // Swift enqueues a task again whenever it goes on in another isolation than that of its job.
            if job.isIsolated {
                unsafe job.job.runSynchronously(isolatedTo: serial, taskExecutor: task)
            } else {
                unsafe job.job.runSynchronously(on: task)
            }
            count += 1
        }
        meter.jobs += count
    }

    private func takeArrivals() {
        for arrival in inbox.takeAll() {
            switch arrival {
            case .job(let job): jobs.append(job)
            case .call(let body): body()
            }
        }
    }

    // MARK: Resources

    func add(_ resource: some Resource) { resources[ObjectIdentifier(resource)] = resource }
    func remove(_ resource: some Resource) { resources[ObjectIdentifier(resource)] = nil }

    // MARK: Ends

    /// Turns the loop until no job is left and no handle is closing, with everything that waits woken.
    func windUp() {
        repeat {
            takeArrivals()
            sleepers.wakeAll()
            for resource in resources.values { resource.abandon() }
            descriptors.closeAll()
            loop.turn(waiting: false)
        } while !jobs.isEmpty || !resources.isEmpty || sleepers.count > 0
    }

    /// Closes the loop's own handles and frees it.
    func close() {
        inbox.close()
        sleepers.close()
        descriptors.close()
        beforePoll.close()
        afterPoll.close()
        wakeful.close()
        loop.close()
    }
}

/// Something open that keeps the loop from ending in order.
protocol Resource: AnyObject {
    /// What it is, for a report.
    var name: String { get }
    /// Closes it, and wakes the task that waits for it.
    func abandon()
}
