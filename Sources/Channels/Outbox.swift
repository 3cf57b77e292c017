internal import Bytes
internal import DequeModule

/// The output queued for one connection: references into batches, counted in bytes.
///
/// A thousand stalled subscribers of a channel share one copy of each batch.
public final class Outbox {
    struct Piece {
        let batch: Batch
        var start: Int
        var end: Int

        var isEmpty: Bool { start == end }
        var unfinishedMessages: Int { batch.messages(endingIn: start, end) }
        /// The indices of the messages of which no byte was sent.
        var unbegunMessages: Range<Int> { batch.messages(within: start, end) }
    }

    // Unchecked (docs/decisions/0009): touched for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) var pieces = Deque<Piece>()
    /// Queued bytes.
    @safe @exclusivity(unchecked) public private(set) var queuedBytes = 0
    /// The part of `queuedBytes` that is channel messages, for which there is a limit; replies are limited by reading
    /// no more.
    @safe @exclusivity(unchecked) private(set) var queuedMessageBytes = 0

    /// The number of the first piece: pieces are numbered in order, and each keeps its number.
    @safe @exclusivity(unchecked) var firstNumber = 0
    /// The number of empty pieces that keep their place, so that the others keep their numbers.
    @safe @exclusivity(unchecked) var emptiedCount = 0
    /// The batch of an empty piece, which holds no bytes.
    private(set) lazy var noBatch = Batch()
    var dropSearch = DropSearch()
    @safe @exclusivity(unchecked) var conflation = Conflation()
    /// Whether messages of a conflated channel were added since the last call of `conflate`.
    var mayConflate = false
    /// Whether the client gets notices of missed messages; otherwise they are not counted.
    var tellsMissed = false
    /// How many messages of each channel were dropped without a notice so far.
    var missed: [ByteName: Int] = [:]

    /// Bytes already sent of the first batch, which stays in memory until it is sent completely.
    var sentBytesHeld: Int { pieces.first?.start ?? 0 }

    /// Whether nothing is queued.
    public var isEmpty: Bool { queuedBytes == 0 }

    /// Lends the queued bytes piece by piece, in order, until `body` returns false.
    ///
    /// A piece's memory stays valid until the outbox changes.
    public func forEachPiece(_ body: (RawSpan) -> Bool) {
        for piece in pieces where !piece.isEmpty {
            guard piece.batch.lend(piece.start..<piece.end, body) else { return }
        }
    }

    /// Adds a range of a batch.
    func append(_ batch: Batch, _ bytes: Range<Int>) {
        guard !bytes.isEmpty else { return }
        pieces.append(Piece(batch: batch, start: bytes.lowerBound, end: bytes.upperBound))
        count(batch, bytes.count)
        if batch.policy == .conflate { mayConflate = true }
    }

    /// Adds a reply: to the last batch if that belongs to this connection, else to a new one.
    func appendReply(newBatch: () -> Batch, _ write: (inout [UInt8]) -> Void) {
        // A batch that discardUnbegun() shortened ends earlier than its bytes and must not grow.
        if let last = pieces.last, last.batch.content == .replies, last.end == last.batch.byteCount {
            last.batch.appendFrame(write)
            pieces[pieces.count - 1].end = last.batch.byteCount
            count(last.batch, last.batch.byteCount - last.end)
        } else {
            let batch = newBatch()
            batch.appendFrame(write)
            append(batch, 0..<batch.byteCount)
        }
    }

    /// Removes `count` bytes from the front, which were sent.
    ///
    /// - Parameter release: receives each batch that this outbox no longer needs.
    /// - Returns: the number of messages that were sent completely.
    func consume(_ count: Int, release: (consuming Batch) -> Void) -> Int {
        var left = count
        var finished = 0
        while left > 0 {
            let step = min(left, pieces[0].end - pieces[0].start)
            left -= step
            finished += advanceFirst(by: step)
            if pieces[0].isEmpty { release(removeFirstBatch()) }
            if emptiedCount > 0 { trim() }
        }
        if isEmpty, !conflation.latest.isEmpty { conflation.latest = [:] }
        return finished
    }

    /// Drops everything except the rest of a frame that was begun, without which the peer could read nothing more.
    ///
    /// - Returns: the number of dropped messages.
    func discardUnbegun() -> Int {
        guard var first = pieces.first else { return 0 }
        let begunEnd = max(first.batch.endOfFrame(begunBefore: first.start), first.start)
        let unfinished = pieces.reduce(0) { $0 + $1.unfinishedMessages }
        first.end = begunEnd
        removeAll()
        if first.end > first.start {
            pieces.append(first)
            count(first.batch, first.end - first.start)
        }
        return unfinished - first.unfinishedMessages
    }

    /// Drops everything.
    ///
    /// - Returns: the number of messages that were not sent completely.
    func discardAll() -> Int {
        defer { removeAll() }
        return pieces.reduce(0) { $0 + $1.unfinishedMessages }
    }

    /// Advances the start of the first piece and returns how many messages end on the way.
    private func advanceFirst(by bytes: Int) -> Int {
        let piece = pieces[0]
        pieces[0].start += bytes
        count(piece.batch, -bytes)
        return piece.batch.messages(endingIn: piece.start, piece.start + bytes)
    }

    /// A separate function, so that no local variable still refers to the batch when `release` checks whether it is
    /// unique.
    private func removeFirstBatch() -> Batch {
        firstNumber += 1
        return pieces.removeFirst().batch
    }

    private func removeAll() {
        pieces.removeAll()
        queuedBytes = 0
        queuedMessageBytes = 0
        emptiedCount = 0
        firstNumber = 0
        dropSearch = DropSearch()
        conflation = Conflation()
        mayConflate = false
        missed = [:]
    }

    func count(_ batch: Batch, _ bytes: Int) {
        queuedBytes += bytes
        if batch.content == .messages { queuedMessageBytes += bytes }
    }
}

@available(*, unavailable)
extension Outbox: Sendable {}
