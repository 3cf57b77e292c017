internal import Bytes

/// Frames that are written together, in one contiguous piece of memory.
///
/// A channel's batch collects a turn's messages and is shared by all its subscribers; replies to one connection have a
/// batch of their own. Nothing is appended while a flush writes it: outboxes refer to its bytes by their offsets.
public final class Batch {
    /// Whether the frames are channel messages, which are counted, or replies to one connection, which are not.
    enum Content { case messages, replies }

    // Unchecked (docs/decisions/0009): read for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) private var storage: [UInt8] = []
    @safe @exclusivity(unchecked) private var frameEnds: [Int] = []
    /// The keys of its messages, where they have any.
    private var frameKeys: [Int: ByteName] = [:]
    private(set) var content = Content.messages
    /// Whose messages these are.
    private(set) var channel: Channel?
    var policy: SlowConsumerPolicy { channel?.policy ?? .disconnect }

    var byteCount: Int { storage.count }
    /// Bytes that it takes in memory, full or empty.
    var capacity: Int { storage.capacity }
    var messageCount: Int { content == .messages ? frameEnds.count : 0 }

    func begin(_ content: Content, of channel: Channel? = nil) {
        self.content = content
        self.channel = channel
    }

    /// Adds what `write` appends as one frame (or one HTTP response): a unit that is sent whole once it was begun.
    func appendFrame(_ write: (inout [UInt8]) -> Void) {
        write(&storage)
        frameEnds.append(storage.count)
    }

    func appendFrame(of message: Message, _ form: WireForm, _ writer: inout FrameWriter) {
        writer.append(message, form, to: &storage)
        if policy == .conflate, let key = message.key { frameKeys[frameEnds.count] = ByteName(key) }
        frameEnds.append(storage.count)
    }

    /// What the publisher gave for the message to replace its predecessor by.
    func key(ofFrame index: Int) -> ByteName? { frameKeys[index] }

    /// Lends a part of the bytes.
    func lend<Result>(_ range: Range<Int>, _ body: (RawSpan) -> Result) -> Result {
        unsafe storage.withUnsafeBytes {
            unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: $0[range])))
        }
    }

    /// How many messages end behind `start` and at or before `end`.
    func messages(endingIn start: Int, _ end: Int) -> Int {
        guard content == .messages else { return 0 }
        return frameIndex(endingBehind: end) - frameIndex(endingBehind: start)
    }

    /// The numbers of the messages that lie wholly between `start` and `end`.
    func messages(within start: Int, _ end: Int) -> Range<Int> {
        guard content == .messages else { return 0..<0 }
        let upper = frameIndex(endingBehind: end)
        let cut = frameIndex(endingBehind: start)
        let lower = cut < frameEnds.count && startOfFrame(cut) < start ? cut + 1 : cut
        return min(lower, upper)..<upper
    }

    /// Where a frame begins; the end of the batch for the number behind the last.
    func startOfFrame(_ index: Int) -> Int { index == 0 ? 0 : frameEnds[index - 1] }

    /// Where the frame ends that holds the byte before `offset`; `offset` itself if a frame ends there.
    func endOfFrame(begunBefore offset: Int) -> Int {
        guard offset > 0 else { return 0 }
        return frameEnds[frameIndex(endingBehind: offset - 1)]
    }

    /// Empties it for the next use, keeping its memory unless that is large.
    func recycle() {
        let keep = storage.capacity <= Batch.keptBytes
        storage.removeAll(keepingCapacity: keep)
        frameEnds.removeAll(keepingCapacity: keep)
        if !frameKeys.isEmpty { frameKeys = [:] }
        channel = nil
    }

    private static let keptBytes = 32_768

    /// The index of the first frame that ends behind `offset`.
    private func frameIndex(endingBehind offset: Int) -> Int {
        var low = 0
        var high = frameEnds.count
        while low < high {
            let middle = (low + high) / 2
            if frameEnds[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

@available(*, unavailable)
extension Batch: Sendable {}
