import Bytes
import TestSupport
import Testing

@testable import Channels

/// A naive outbox: the queued frames, and how much of the first was sent.
private struct NaiveOutbox {
    struct Frame {
        let bytes: [UInt8]
        /// The channel of messages; replies have none.
        var channel: Channel?
        var key: String?
        var isMessage: Bool { channel != nil }
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

    /// The index of the first message that may be dropped.
    var firstUnbegun: Int { sentOfFirst > 0 ? 1 : 0 }

    var newestPolicy: SlowConsumerPolicy? { frames.dropFirst(firstUnbegun).last(where: \.isMessage)?.channel?.policy }

    mutating func dropNewest() {
        guard let index = frames.indices.dropFirst(firstUnbegun).last(where: { frames[$0].isMessage }) else { return }
        frames.remove(at: index)
    }

    mutating func dropOldest() {
        for policy in [SlowConsumerPolicy.dropOldest, .conflate] {
            let index = frames.indices.dropFirst(firstUnbegun).first { frames[$0].channel?.policy == policy }
            guard let index else { continue }
            frames.remove(at: index)
            return
        }
    }

    mutating func conflate() -> Int {
        let before = frames.count
        for index in frames.indices.dropFirst(firstUnbegun).reversed() {
            let frame = frames[index]
            guard let channel = frame.channel, channel.policy == .conflate else { continue }
            if frames[(index + 1)...].contains(where: { $0.channel === channel && $0.key == frame.key }) {
                frames.remove(at: index)
            }
        }
        return before - frames.count
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

/// The outbox and its model, driven in parallel.
private struct Pair {
    let outbox = Outbox()
    var model = NaiveOutbox()
    var random: SeededGenerator
    var pool = BatchPool()
    var nextByte: UInt8 = 0
    var keys: [String?] = [nil, nil, "x", "y"]
    /// The percentage of steps after which it conflates.
    var conflates = 0
    let channels = SlowConsumerPolicy.allCases.enumerated().flatMap { number, policy in
        (0..<2).map { Channel(name: "\(policy) \($0)", index: UInt32(2 * number + $0), policy: policy) }
    }

    mutating func frame() -> [UInt8] {
        nextByte &+= 1
        return [UInt8](repeating: nextByte, count: Int.random(in: 1...9, using: &random))
    }

    mutating func appendBatch() {
        guard let channel = channels.randomElement(using: &random) else { return }
        let batch = pool.batch(.messages, of: channel)
        var frames: [NaiveOutbox.Frame] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let key = keys.randomElement(using: &random) ?? nil
            let (payload, before) = (frame(), batch.byteCount)
            var writer = FrameWriter()
            let message = Message(channel: channel.name, payload: payload, key: key, receivedNanoseconds: 0)
            batch.appendFrame(of: message, WireForm(), &writer)
            let bytes = batch.lend(before..<batch.byteCount) { span in
                var bytes: [UInt8] = []
                bytes.append(span)
                return bytes
            }
            frames.append(NaiveOutbox.Frame(bytes: bytes, channel: channel, key: key))
        }
        // Only an empty outbox is given the rest of a direct write.
        let start = outbox.isEmpty ? Int.random(in: 0..<batch.byteCount, using: &random) : 0
        outbox.append(batch, from: start)
        model.frames += frames
        _ = model.consume(start)
    }

    mutating func appendReply() {
        let frame = frame()
        outbox.appendReply(newBatch: { pool.batch(.replies) }) { $0 += frame }
        model.frames.append(NaiveOutbox.Frame(bytes: frame))
    }

    mutating func consume() {
        // A client with conflation reads little; otherwise there would be nothing to replace.
        let count = Int.random(in: 0...min(outbox.queuedBytes, conflates > 0 ? 12 : .max), using: &random)
        let finished = outbox.consume(count) { pool.give($0) }
        #expect(finished == model.consume(count))
    }

    mutating func step() {
        if random.chance(conflates) { #expect(outbox.conflate() == model.conflate()) }
        switch Int.random(in: 0..<100, using: &random) {
        case ..<35: appendBatch()
        case ..<60: appendReply()
        case ..<80: consume()
        case ..<84:
            outbox.dropNewest()
            model.dropNewest()
        case ..<88:
            outbox.dropOldest()
            model.dropOldest()
        case ..<92: #expect(outbox.conflate() == model.conflate())
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
        #expect(outbox.newestPolicy == model.newestPolicy)
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

    /// Many keys are queued, pieces are removed from the middle, and numbers are reused.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func conflationBehavesLikeAnArrayOfFrames(seed: UInt64) {
        var pair = Pair(random: SeededGenerator(seed: seed), keys: (0..<30).map { "\($0)" } + [nil], conflates: 70)
        for _ in 0..<400 {
            pair.step()
            pair.compare()
        }
    }

    /// A thousand updates of one key, with 100 other queued keys and with 20,000.
    @Test func conflationCostsTheSameHoweverManyKeysWait() {
        let few = Conflated(keys: 100), many = Conflated(keys: 20_000)
        let ratios = (0..<5).map { _ in many.timeUpdates() / few.timeUpdates() }
        // It was 200 when each update iterated over all keys.
        #expect(ratios.min() ?? .infinity < 10)
    }
}

/// An outbox with a queued message for each of many keys.
private final class Conflated {
    private let outbox = Outbox()
    private let channel = Channel(name: "ticker", index: 0, policy: .conflate)
    private let keys: Int

    init(keys: Int) {
        self.keys = keys
        for key in 0..<keys { update(key) }
    }

    private func update(_ key: Int) {
        let batch = Batch()
        batch.begin(.messages, of: channel)
        var writer = FrameWriter()
        let message = Message(channel: channel.name, payload: [1], key: "\(key)", receivedNanoseconds: 0)
        batch.appendFrame(of: message, WireForm(), &writer)
        outbox.append(batch)
        _ = outbox.conflate()
    }

    func timeUpdates() -> Double {
        let time = ContinuousClock().measure { for _ in 0..<1000 { update(keys / 2) } }
        return time / .seconds(1)
    }
}
