import Bytes
import Testing

@testable import Channels

private func batch(_ frames: [[UInt8]], _ content: Batch.Content = .messages) -> Batch {
    let batch = Batch()
    batch.begin(content)
    for frame in frames { batch.appendFrame { $0 += frame } }
    return batch
}

private func newReplies() -> Batch { batch([], .replies) }

extension Outbox {
    /// All queued bytes, and the number of pieces.
    fileprivate var contents: (bytes: [UInt8], pieces: Int) {
        var bytes: [UInt8] = []
        var pieces = 0
        forEachPiece {
            bytes.append($0)
            pieces += 1
            return true
        }
        return (bytes, pieces)
    }
}

@Suite struct OutboxTests {
    @Test func lendsPiecesUntilItIsToldToStop() {
        let outbox = Outbox()
        for byte in UInt8(0)..<5 { outbox.append(batch([[byte]])) }
        var seen = 0
        outbox.forEachPiece { _ in
            seen += 1
            return seen < 3
        }
        #expect(seen == 3)
        #expect(outbox.contents.bytes == [0, 1, 2, 3, 4])
    }

    @Test func repliesOfOneConnectionShareABatch() {
        let outbox = Outbox()
        for byte in UInt8(0)..<4 { outbox.appendReply(newBatch: newReplies) { $0 += [byte, byte] } }
        #expect(outbox.contents.pieces == 1)
        outbox.append(batch([[9]]))
        outbox.appendReply(newBatch: newReplies) { $0 += [4] }
        #expect(outbox.contents.bytes == [0, 0, 1, 1, 2, 2, 3, 3, 9, 4])
        #expect(outbox.contents.pieces == 3)
    }

    @Test func repliesDoNotCountTowardsTheLimit() {
        let outbox = Outbox()
        outbox.appendReply(newBatch: newReplies) { $0 += [1, 2, 3] }
        #expect(outbox.queuedBytes == 3)
        #expect(outbox.queuedMessageBytes == 0)
        outbox.append(batch([[4, 5], [6]]), from: 1)
        #expect(outbox.queuedBytes == 5)
        #expect(outbox.queuedMessageBytes == 2)
        #expect(outbox.consume(4) { _ in } == 1)
        #expect(outbox.queuedMessageBytes == 1)
    }

    /// A channel's batch of messages is shared: a reply must never be written into it.
    @Test func aReplyNeverJoinsASharedBatch() {
        let (one, other, shared) = (Outbox(), Outbox(), batch([[1]]))
        one.append(shared)
        other.append(shared)
        one.appendReply(newBatch: newReplies) { $0 += [2] }
        #expect(one.contents.bytes == [1, 2])
        #expect(other.contents.bytes == [1])
    }

    @Test func aCutReplyBatchDoesNotBringBackWhatWasDropped() {
        let outbox = Outbox()
        for byte in UInt8(1)...3 { outbox.appendReply(newBatch: newReplies) { $0 += [byte, byte] } }
        #expect(outbox.consume(1) { _ in } == 0)
        #expect(outbox.discardUnbegun() == 0)
        #expect(outbox.contents.bytes == [1])
        outbox.appendReply(newBatch: newReplies) { $0 += [8] }
        #expect(outbox.contents.bytes == [1, 8])
        #expect(outbox.queuedBytes == 2)
    }

    @Test func batchesAreReleasedAsSoonAsTheyAreConsumed() {
        let outbox = Outbox()
        weak var first: Batch?
        weak var second: Batch?
        do {
            let (one, two) = (batch([[1, 2], [3]]), batch([[4]]))
            (first, second) = (one, two)
            outbox.append(one)
            outbox.append(two)
        }
        #expect(outbox.consume(2) { _ in } == 1)
        #expect(first != nil)
        #expect(outbox.consume(1) { _ in } == 1)
        #expect(first == nil)
        #expect(second != nil)
        #expect(outbox.consume(1) { _ in } == 1)
        #expect(second == nil)
        #expect(outbox.isEmpty)
    }

    @Test(arguments: [true, false])
    func batchesAreReleasedAsSoonAsTheyAreDiscarded(all: Bool) {
        let outbox = Outbox()
        weak var begun: Batch?
        weak var waiting: Batch?
        do {
            let (one, two) = (batch([[1, 2], [3]]), batch([[4]]))
            (begun, waiting) = (one, two)
            outbox.append(one)
            outbox.append(two)
        }
        #expect(outbox.consume(1) { _ in } == 0)
        #expect((all ? outbox.discardAll() : outbox.discardUnbegun()) == (all ? 3 : 2))
        #expect(waiting == nil)
        #expect((begun == nil) == all)
        #expect(outbox.contents.bytes == (all ? [] : [2]))
    }

    /// `release` gets the only reference, so that the pool can see that the batch is unused.
    @Test func aConsumedBatchIsHandedOverAsTheOnlyReference() {
        let outbox = Outbox()
        for byte in UInt8(0)..<3 { outbox.append(batch([[byte, byte]])) }
        var unique = 0
        func take(_ batch: consuming Batch) { unique += isKnownUniquelyReferenced(&batch) ? 1 : 0 }
        let finished = outbox.consume(5, release: take)
        #expect(finished == 2)
        #expect(unique == 2)
    }
}
