internal import WSLoop

/// The signals that the process receives, as they arrive.
public struct SignalSequence: AsyncSequence, Sendable {
    fileprivate let loop: LoopExecutor
    fileprivate let numbers: [Int32]

    /// Watches the signals; it is no longer watched when it was dropped.
    public final class AsyncIterator: AsyncIteratorProtocol {
        private let loop: LoopExecutor
        private let state: Confined<SignalState>

        fileprivate init(_ state: SignalState, on loop: LoopExecutor) {
            self.loop = loop
            self.state = Confined(state, to: loop.core.here)
        }

        deinit {
            let state = state
            loop.perform { state.here.close() }
        }

        /// The next signal's number; nil if the task is cancelled.
        public func next() async -> Int32? {
            await loop.isCurrent ? state.here.next(on: loop) : nil
        }
    }

    /// Begins to watch; call it on the loop, as all tasks on it do.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(SignalState(numbers, in: loop.core.here), on: loop)
    }
}

extension LoopExecutor {
    /// Signals such as SIGTERM, for a loop over them by a task on this loop.
    public func signals(_ numbers: Int32...) -> SignalSequence {
        SignalSequence(loop: self, numbers: numbers)
    }
}

/// The watchers of signals, on the loop.
private final class SignalState: Resource {
    let name: String
    private let place = WaitPlace()
    private unowned let core: LoopCore
    private var watchers: [SignalWatcher] = []
    private var received: [Int32] = []
    private var isClosed = false

    init(_ numbers: [Int32], in core: LoopCore) {
        self.core = core
        name = "signals \(numbers)"
        for number in numbers {
            // A number that is no signal, or SIGKILL, cannot be watched, and never arrives.
            guard let watcher = try? SignalWatcher(on: core.loop, signal: number) else { continue }
            watcher.onEvent { [unowned self] in
                received.append(number)
                place.wake(.ready)
            }
            watchers.append(watcher)
        }
        core.add(self)
    }

    func next(on loop: LoopExecutor) async -> Int32? {
        while received.isEmpty {
            guard !isClosed, await loop.wait(Confined(place, to: core)) == .ready else { return nil }
        }
        return received.removeFirst()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        for watcher in watchers { watcher.close() }
        core.remove(self)
        place.wake(.closed)
    }

    func abandon() { close() }
}
