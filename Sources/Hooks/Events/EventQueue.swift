internal import DequeModule
internal import WSLoop

/// Events on their way to the backend: they are sent in order, in batches, and again until the backend has taken them.
///
/// There is never more than one batch under way, and it stays the same until it is taken; so the backend gets an event
/// twice only if pushd cannot know that it was taken. Times are milliseconds on one clock.
struct EventQueue {
    static let maxCount = 100_000
    static let maxBytes = 16 << 20
    /// Servers refuse large bodies, often from 100 KB on; only an event that is larger by itself makes a larger batch.
    static let maxBatchBytes = 65_536
    static let maxBatchCount = 500
    private static let firstWaitMilliseconds: UInt64 = 500
    private static let lastWaitMilliseconds: UInt64 = 30_000

    private var events = Deque<[UInt8]>()
    /// The bytes of all events.
    private(set) var bytes = 0
    /// The events at the front that are under way, or must be sent again; 0 for none.
    private var batchCount = 0
    private var isUnderWay = false
    private var nextAttempt: UInt64 = 0
    private var backoff = Backoff(
        firstCeilingMilliseconds: EventQueue.firstWaitMilliseconds,
        lastCeilingMilliseconds: EventQueue.lastWaitMilliseconds)

    /// The number of events that the backend has not taken.
    var count: Int { events.count }

    /// Adds an event; false if there is no room for it.
    mutating func add(_ event: [UInt8]) -> Bool {
        guard events.count < EventQueue.maxCount, bytes + event.count <= EventQueue.maxBytes else { return false }
        events.append(event)
        bytes += event.count
        return true
    }

    /// Begins an attempt, if one is due.
    ///
    /// - Returns: the batch to send: an array in JSON; nil if there is nothing to send now.
    mutating func beginBatch(at now: UInt64) -> [UInt8]? {
        guard !isUnderWay, !events.isEmpty, now >= nextAttempt else { return nil }
        if batchCount == 0 { batchCount = sizeOfNextBatch }
        isUnderWay = true
        var batch: [UInt8] = []
        batch.reserveCapacity(EventQueue.maxBatchBytes)
        for event in events.prefix(batchCount) {
            batch.append(batch.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
            batch.append(contentsOf: event)
        }
        batch.append(UInt8(ascii: "]"))
        return batch
    }

    /// The backend has taken the batch.
    ///
    /// - Returns: the number of its events.
    @discardableResult
    mutating func taken() -> Int {
        defer { batchCount = 0 }
        for event in events.prefix(batchCount) { bytes -= event.count }
        events.removeFirst(batchCount)
        isUnderWay = false
        nextAttempt = 0
        backoff.reset()
        return batchCount
    }

    /// The backend has not taken the batch, as far as is known: it is sent again after a while.
    mutating func failed(at now: UInt64, using generator: inout some RandomNumberGenerator) {
        isUnderWay = false
        nextAttempt = now + backoff.nextMilliseconds(using: &generator)
    }

    /// The next attempt is due at once, since it goes elsewhere.
    mutating func retry() {
        nextAttempt = 0
        backoff.reset()
    }

    private var sizeOfNextBatch: Int {
        var bytes = 0
        let count = events.prefix(EventQueue.maxBatchCount).prefix { event in
            bytes += event.count + 1
            return bytes <= EventQueue.maxBatchBytes
        }.count
        return max(count, 1)
    }
}
