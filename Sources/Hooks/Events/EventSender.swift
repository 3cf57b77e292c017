public import WSLoop

/// Tells the backend what happens.
///
/// Confined to its fetcher's loop.
public final class EventSender {
    private static let timeLimit = Duration.seconds(10)

    private var url: String
    private var envelope: EventEnvelope
    private let node: String
    private let fetcher: HTTPFetcher
    private let loop: Loop
    private let changed: (EventStatus) -> Void
    private var queue = EventQueue()
    private var number = 0
    private var current = EventStatus()
    private var generator = SystemRandomNumberGenerator()

    /// Makes a sender that has sent nothing.
    ///
    /// - Parameters:
    ///   - node: the name of this node in events.
    ///   - changed: called when the backend begins to fail or takes events again, and when events are dropped for the
    ///     first time in a row.
    public init(
        _ url: String, _ envelope: EventEnvelope, node: String, _ fetcher: HTTPFetcher, on loop: Loop,
        changed: @escaping (EventStatus) -> Void
    ) {
        (self.url, self.envelope, self.node) = (url, envelope, node)
        self.fetcher = fetcher
        self.loop = loop
        self.changed = changed
    }

    /// Sends to another URL or signs otherwise from now on, beginning with the batch that is not taken yet.
    public func send(to url: String, _ envelope: EventEnvelope) {
        guard url != self.url || envelope != self.envelope else { return }
        (self.url, self.envelope) = (url, envelope)
        queue.retry()
        send()
    }

    /// Sends an event, after those before it; it is dropped if too many wait.
    public func add(_ event: Event) {
        number += 1
        add(text: event.text(node: node, number: number))
    }

    /// Sends an event of another kind, as JSON text.
    public func add(text: [UInt8]) {
        guard queue.add(text) else { return drop() }
        send()
    }

    /// Sends again what was not taken; call it several times per second.
    public func tick() { send() }

    /// What became of the events so far.
    public var status: EventStatus {
        var status = current
        (status.queued, status.queuedBytes) = (queue.count, queue.bytes)
        return status
    }

    private func drop() {
        current.dropped += 1
        guard !current.isFull else { return }
        current.isFull = true
        changed(status)
    }

    private func send() {
        guard let batch = queue.beginBatch(at: loop.nowMilliseconds) else { return }
        let (body, signature) = envelope.sealed(batch, at: Int(Loop.unixTimeSeconds * 1000))
        let headers = [(name: "Content-Type", value: "application/json")] + signature
        let limits = HTTPFetch.Limits(time: EventSender.timeLimit, connectTime: EventSender.timeLimit)
        // A reload can end the sender while it waits for the answer.
        fetcher.send(HTTPFetch(.post, url, headers: headers, body: body, limits: limits)) { [weak self] in
            self?.received($0)
        }
    }

    private func received(_ result: Result<HTTPFetched, FetchFailure>) {
        let problem = EventSender.problem(result)
        if problem == nil {
            current.sent += queue.taken()
            current.isFull = false
        } else {
            current.failures += 1
            queue.failed(at: loop.nowMilliseconds, using: &generator)
        }
        let isChange = (problem == nil) != (current.problem == nil)
        current.problem = problem
        if isChange { changed(status) }
        send()
    }

    /// Why a batch was not taken; nil if it was.
    private static func problem(_ result: Result<HTTPFetched, FetchFailure>) -> String? {
        switch result {
        case .failure(let failure): failure.description
        case .success(let fetched): (200...299).contains(fetched.status) ? nil : "the status is \(fetched.status)"
        }
    }
}

/// What became of the events.
public struct EventStatus: Sendable, Equatable {
    /// Events that the backend has taken.
    public internal(set) var sent = 0
    /// Events that had no room.
    public internal(set) var dropped = 0
    /// Batches that were not taken, each attempt counted.
    public internal(set) var failures = 0
    /// Events that wait.
    public internal(set) var queued = 0
    /// Their bytes.
    public internal(set) var queuedBytes = 0
    /// Whether events were dropped since the backend last took some.
    public internal(set) var isFull = false
    /// Why the last batch was not taken; nil if it was.
    public internal(set) var problem: String?

    /// Nothing has happened.
    public init() {}

    /// The status of a receiver that is told nothing more: the events that wait are dropped.
    public var ended: EventStatus {
        var status = EventStatus()
        (status.sent, status.dropped, status.failures) = (sent, dropped + queued, failures)
        return status
    }

    /// Adds what became of the events for another receiver.
    public mutating func add(_ other: EventStatus) {
        sent += other.sent
        dropped += other.dropped
        failures += other.failures
        queued += other.queued
        queuedBytes += other.queuedBytes
        isFull = isFull || other.isFull
        problem = problem ?? other.problem
    }
}

@available(*, unavailable)
extension EventSender: Sendable {}
