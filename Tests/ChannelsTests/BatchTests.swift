import Bytes
import Testing

@testable import Channels

/// The frame lengths to test, with all their sums: frames of one byte, of two, and long ones next to short ones.
private let shapes: [[Int]] = [
    [], [1], [2], [5], [1, 1], [1, 2, 3], [4, 1, 4], [3, 3, 3, 3], [1, 1, 1, 1, 1, 1, 1], [7, 2, 9, 1, 4],
]

private func batch(_ lengths: [Int], _ content: Batch.Content = .messages) -> Batch {
    let batch = Batch()
    batch.begin(content)
    for (index, length) in lengths.enumerated() {
        batch.appendFrame { $0 += [UInt8](repeating: UInt8(index), count: length) }
    }
    return batch
}

/// The frame of each byte.
private func owners(_ lengths: [Int]) -> [Int] {
    lengths.enumerated().flatMap { [Int](repeating: $0, count: $1) }
}

@Suite struct BatchTests {
    @Test(arguments: shapes)
    func messagesEndingInEveryRange(lengths: [Int]) {
        let (messages, replies, owners) = (batch(lengths), batch(lengths, .replies), owners(lengths))
        for start in 0...owners.count {
            for end in start...owners.count {
                // A message ends in the range if its last byte is in the range.
                let expected = (start..<end).count { $0 + 1 == owners.count || owners[$0 + 1] != owners[$0] }
                #expect(messages.messages(endingIn: start, end) == expected, "\(start)..<\(end)")
                #expect(replies.messages(endingIn: start, end) == 0)
            }
        }
        #expect(messages.messageCount == lengths.count)
        #expect(replies.messageCount == 0)
    }

    @Test(arguments: shapes)
    func endOfFrameBegunBeforeEveryOffset(lengths: [Int]) {
        let (messages, replies, owners) = (batch(lengths), batch(lengths, .replies), owners(lengths))
        for offset in 0...owners.count {
            var expected = offset
            while offset > 0, expected < owners.count, owners[expected] == owners[offset - 1] { expected += 1 }
            #expect(messages.endOfFrame(begunBefore: offset) == expected, "before \(offset)")
            #expect(replies.endOfFrame(begunBefore: offset) == expected, "before \(offset)")
        }
    }

    @Test(arguments: shapes)
    func lendsEveryRange(lengths: [Int]) {
        let (batch, owners) = (batch(lengths), owners(lengths))
        #expect(batch.byteCount == owners.count)
        for start in 0...owners.count {
            for end in start...owners.count {
                var copy: [UInt8] = []
                batch.lend(start..<end) { copy.append($0) }
                #expect(copy == owners[start..<end].map { UInt8($0) })
            }
        }
    }

    @Test func recyclingEmptiesIt() {
        let batch = batch([3, 100_000, 2])
        batch.recycle()
        batch.begin(.messages)
        #expect(batch.byteCount == 0)
        #expect(batch.messageCount == 0)
        var writer = FrameWriter()
        batch.appendFrame(of: message("c", "again"), WireForm(), &writer)
        var bytes: [UInt8] = []
        batch.lend(0..<batch.byteCount) { bytes.append($0) }
        #expect(bytes == textFrame("again"))
        #expect(batch.messages(endingIn: 0, batch.byteCount) == 1)
    }
}

@Suite struct BatchPoolTests {
    /// Memory kept for the next turn is on top of the outbox budget, so it must be small.
    @Test func keepsAMebibyteAtMost() {
        var pool = BatchPool()
        var batches = (0..<100).map { _ in
            let batch = pool.batch(.messages)
            batch.appendFrame { $0.append(contentsOf: [UInt8](repeating: 1, count: 20_000)) }
            return batch
        }
        while let batch = batches.popLast() { pool.give(consume batch) }
        let kept = (0..<100).map { _ in pool.batch(.messages).capacity }
        #expect((500_000...1_048_576).contains(kept.reduce(0, +)))
        #expect(kept.count { $0 > 0 } >= 25)
    }

    @Test func aBatchThatIsStillReadIsNotTakenBack() {
        var pool = BatchPool()
        let first = pool.batch(.messages)
        first.appendFrame { $0 += [1, 2, 3] }
        pool.give(first)
        #expect(first.byteCount == 3)
        #expect(pool.batch(.messages) !== first)
    }

    @Test func aBatchThatNobodyReadsIsUsedAgainEmpty() {
        var pool = BatchPool()
        let first = pool.batch(.replies)
        first.appendFrame { $0 += [1, 2, 3] }
        let reference = WeakBatch(batch: first)
        pool.give(consume first)
        let second = pool.batch(.messages)
        #expect(reference.batch === second)
        #expect(second.byteCount == 0)
        #expect(second.content == .messages)
    }
}
