import AsyncLoop
import DequeModule

/// A queue between tasks that holds a limited number of elements: who adds to a full one waits.
actor BoundedQueue<Element: Sendable> {
    private let loop: LoopExecutor
    private let capacity: Int
    private var elements: Deque<Element> = []
    private var isClosed = false
    private var producers: Deque<CheckedContinuation<Void, Never>> = []
    private var consumers: Deque<CheckedContinuation<Void, Never>> = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    init(capacity: Int, on loop: LoopExecutor) {
        self.capacity = capacity
        self.loop = loop
    }

    /// Adds an element as soon as there is room.
    ///
    /// - Throws: `CancellationError` if the queue was closed.
    func add(_ element: Element) async throws(CancellationError) {
        while elements.count >= capacity, !isClosed {
            await withCheckedContinuation { producers.append($0) }
        }
        guard !isClosed else { throw CancellationError() }
        elements.append(element)
        consumers.popFirst()?.resume()
    }

    /// Removes the first element as soon as there is one; nil once the queue is closed and empty.
    func next() async -> Element? {
        while elements.isEmpty, !isClosed {
            await withCheckedContinuation { consumers.append($0) }
        }
        defer { producers.popFirst()?.resume() }
        return elements.popFirst()
    }

    /// Closes the queue: what it holds can still be removed.
    func close() {
        isClosed = true
        for waiting in producers + consumers { waiting.resume() }
        producers = []
        consumers = []
    }

    /// Closes the queue and drops what it holds.
    func abort() {
        elements = []
        close()
    }
}
