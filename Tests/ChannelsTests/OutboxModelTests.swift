import Bytes
import TestSupport
import Testing

@testable import Channels

/// An outbox as one would write it without thinking of speed: the frames that wait, and how much of the first is sent.
private struct NaiveOutbox {
    struct Frame {
        let bytes: [UInt8]
        let isMessage: Bool
    }

    var frames: [Frame] = []
    var sentOfFirst = 0

    var bytes: [UInt8] { Array(frames.flatMap(\.bytes).dropFirst(sentOfFirst)) }

    var messageBytes: Int {
        let all = frames.filter(\.isMessage).reduce(0) { $0 + $1.bytes.count }
        return frames.first?.isMessage == true ? all - sentOfFirst : all
    }

    mutating func consume(_ count: Int) -> Int {
        var finished = 0
        for _ in 0..<count {
            sentOfFirst += 1
            guard sentOfFirst == frames[0].bytes.count else { continue }
            finished += frames.removeFirst().isMessage ? 1 : 0
            sentOfFirst = 0
        }
        return finished
    }

    mutating func discard(keepingBegun: Bool) -> Int {
        let kept = keepingBegun && sentOfFirst > 0 ? Array(frames.prefix(1)) : []
        defer {
            frames = kept
            if kept.isEmpty { sentOfFirst = 0 }
        }
        return frames.dropFirst(kept.count).count(where: \.isMessage)
    }
}

/// The outbox and its model, driven side by side.
private struct Pair {
    let outbox = Outbox()
    var model = NaiveOutbox()
    var random: SeededGenerator
    var pool = BatchPool()
    var nextByte: UInt8 = 0

    mutating func frame() -> [UInt8] {
        nextByte &+= 1
        return [UInt8](repeating: nextByte, count: Int.random(in: 1...9, using: &random))
    }

    mutating func appendBatch() {
        let batch = pool.batch(.messages)
        var frames: [[UInt8]] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) { frames.append(frame()) }
        for frame in frames { batch.appendFrame { $0 += frame } }
        // Only an outbox that holds nothing is given the rest of what was sent directly.
        let start = outbox.isEmpty ? Int.random(in: 0..<batch.byteCount, using: &random) : 0
        outbox.append(batch, from: start)
        model.frames += frames.map { NaiveOutbox.Frame(bytes: $0, isMessage: true) }
        _ = model.consume(start)
    }

    mutating func appendReply() {
        let frame = frame()
        outbox.appendReply(newBatch: { pool.batch(.replies) }) { $0 += frame }
        model.frames.append(NaiveOutbox.Frame(bytes: frame, isMessage: false))
    }

    mutating func consume() {
        let count = Int.random(in: 0...outbox.queuedBytes, using: &random)
        let finished = outbox.consume(count) { pool.give($0) }
        #expect(finished == model.consume(count))
    }

    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<35: appendBatch()
        case ..<60: appendReply()
        case ..<92: consume()
        case ..<98: #expect(outbox.discardUnbegun() == model.discard(keepingBegun: true))
        default: #expect(outbox.discardAll() == model.discard(keepingBegun: false))
        }
    }

    func compare() {
        var bytes: [UInt8] = []
        outbox.forEachPiece {
            bytes.append($0)
            return true
        }
        #expect(bytes == model.bytes)
        #expect(outbox.queuedBytes == model.bytes.count)
        #expect(outbox.queuedMessageBytes == model.messageBytes)
        #expect(outbox.isEmpty == model.bytes.isEmpty)
    }
}

@Suite struct OutboxModelTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func behavesLikeAnArrayOfFrames(seed: UInt64) {
        var pair = Pair(random: SeededGenerator(seed: seed))
        for _ in 0..<250 {
            pair.step()
            pair.compare()
        }
    }
}
