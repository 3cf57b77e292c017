internal import Bytes
internal import DequeModule

/// What one connection has still to be sent: references into batches, counted in bytes.
///
/// A thousand stalled subscribers of a channel hold one copy of each of its batches between them.
public final class Outbox {
    struct Piece {
        let batch: Batch
        var start: Int
        var end: Int

        var isEmpty: Bool { start == end }
        var unfinishedMessages: Int { batch.messages(endingIn: start, end) }
        /// The numbers of the messages of which no byte was sent.
        var unbegunMessages: Range<Int> { batch.messages(within: start, end) }
    }

    // Unchecked (docs/decisions/0009): touched for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) var pieces = Deque<Piece>()
    /// Bytes that wait.
    @safe @exclusivity(unchecked) public private(set) var queuedBytes = 0
    /// Those of them that are channel messages, which the bound is for; replies are bounded by not reading more.
    @safe @exclusivity(unchecked) private(set) var queuedMessageBytes = 0

    /// The number of the piece in front: pieces are numbered in their order, and each keeps its number.
    @safe @exclusivity(unchecked) var firstNumber = 0
    /// How many pieces were emptied and keep their place, so that the others keep their numbers.
    @safe @exclusivity(unchecked) var emptiedCount = 0
    /// What an emptied piece refers to, so that it holds no bytes.
    private(set) lazy var noBatch = Batch()
    var dropSearch = DropSearch()
    @safe @exclusivity(unchecked) var conflation = Conflation()
    /// Whether messages of a conflated channel were added since `conflate` was last called.
    var mayConflate = false
    /// Whether its client is told what it missed; else that is not noted.
    var tellsMissed = false
    /// How many messages of which channel were dropped and not told yet.
    var missed: [ByteName: Int] = [:]

    /// Bytes that were sent of the batch in front, which stays in memory until its end is sent.
    var sentBytesHeld: Int { pieces.first?.start ?? 0 }

    /// Whether nothing waits.
    public var isEmpty: Bool { queuedBytes == 0 }

    /// Lends the waiting bytes piece by piece, in order, until `body` returns false.
    ///
    /// A piece's memory stays where it is until the outbox changes.
    public func forEachPiece(_ body: (RawSpan) -> Bool) {
        for piece in pieces where !piece.isEmpty {
            guard piece.batch.lend(piece.start..<piece.end, body) else { return }
        }
    }

    /// Adds a part of a batch.
    func append(_ batch: Batch, _ bytes: Range<Int>) {
        guard !bytes.isEmpty else { return }
        pieces.append(Piece(batch: batch, start: bytes.lowerBound, end: bytes.upperBound))
        count(batch, bytes.count)
        if batch.policy == .conflate { mayConflate = true }
    }

    /// Adds a reply: to the last batch if that is this connection's own, else to a new one.
    func appendReply(newBatch: () -> Batch, _ write: (inout [UInt8]) -> Void) {
        // A batch that was cut short by discardUnbegun() ends elsewhere and must not grow.
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

    /// Drops `count` bytes from the front, which were sent.
    ///
    /// - Parameter release: takes each batch that this outbox needs no more.
    /// - Returns: how many messages were sent to their end.
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

    /// Drops everything but the rest of a frame that was begun: a peer that got half a frame could read nothing more.
    ///
    /// - Returns: how many messages were dropped.
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
    /// - Returns: how many messages were not sent to their end.
    func discardAll() -> Int {
        defer { removeAll() }
        return pieces.reduce(0) { $0 + $1.unfinishedMessages }
    }

    /// Moves the start of the first piece and returns how many messages end on the way.
    private func advanceFirst(by bytes: Int) -> Int {
        let piece = pieces[0]
        pieces[0].start += bytes
        count(piece.batch, -bytes)
        return piece.batch.messages(endingIn: piece.start, piece.start + bytes)
    }

    /// A function of its own, so that no variable here still refers to the batch when `release` looks whether it may
    /// be used again.
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
