internal import WSLoop

/// The tasks of a loop that wait for a time: a heap of deadlines, and one timer for the earliest.
final class Sleepers {
    /// What happens at a deadline.
    @safe
    enum Waiter {
        /// A task sleeps; true if the time has passed, false if the sleep was cancelled.
        case task(UnsafeContinuation<Bool, Never>)
        /// A call, such as one that ends another wait.
        case call(() -> Void)
    }

    private let timer: FineTimer
    private let resolution: UInt64
    private var heap = DeadlineHeap<Waiter>()
    /// When the timer fires; `.max` if it is not set.
    private var armed = UInt64.max

    init(on loop: Loop, resolution: Duration) throws(SystemError) {
        timer = try FineTimer(on: loop)
        self.resolution = max(LoopClock.nanoseconds(resolution), 1)
        timer.onEvent { [unowned self] in fire() }
    }

    /// The number of tasks and calls that wait.
    var count: Int { heap.count }

    /// Takes a place for a deadline, before the waiter is known.
    func reserve() -> DeadlineTicket { heap.reserve() }

    /// Starts to wait.
    func add(_ waiter: Waiter, at deadline: UInt64, _ ticket: DeadlineTicket) {
        heap.insert(waiter, at: deadline, ticket)
    }

    /// Calls `body` at a deadline.
    func call(at deadline: UInt64, _ body: @escaping () -> Void) -> DeadlineTicket {
        let ticket = heap.reserve()
        heap.insert(.call(body), at: deadline, ticket)
        return ticket
    }

    /// Ends a wait before its deadline.
    ///
    /// - Returns: false if the deadline has passed, or it was removed before.
    @discardableResult
    func remove(_ ticket: DeadlineTicket) -> Bool {
        guard heap.holds(ticket) else { return false }
        if case .task(let continuation)? = heap.remove(ticket) { unsafe continuation.resume(returning: false) }
        return true
    }

    /// Sets the timer for the earliest deadline; called before the loop sleeps.
    func arm() {
        guard let earliest = heap.earliest else { return }
        // A later deadline than the one that is set needs nothing: the timer then fires once in vain.
        let due = (earliest &+ resolution &- 1) / resolution &* resolution
        guard due < armed else { return }
        armed = due
        timer.start(atNanoseconds: due)
    }

    private func fire() {
        armed = .max
        let now = Loop.monotonicNanoseconds
        while let waiter = heap.popExpired(at: now) { wake(waiter, true) }
    }

    /// Ends all waits; called when the loop is closed.
    func wakeAll() {
        while let waiter = heap.popExpired(at: .max) { wake(waiter, false) }
    }

    private func wake(_ waiter: Waiter, _ hasPassed: Bool) {
        switch waiter {
        case .task(let continuation): unsafe continuation.resume(returning: hasPassed)
        case .call(let body): body()
        }
    }

    func close() { timer.close() }
}
