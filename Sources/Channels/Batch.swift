internal import Bytes

/// Frames that are written together, in one contiguous piece of memory.
///
/// A channel's batch collects a turn's messages and is shared by all its subscribers; replies to one connection have
/// their own batch. Nothing is appended while a flush writes it, and outboxes refer to its bytes by offset.
public final class Batch {
    /// Whether the frames are channel messages, which are counted, or replies to one connection, which are not.
    enum Content { case messages, replies }

    // Unchecked (docs/decisions/0009): read for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) private var storage: [UInt8] = []
    @safe @exclusivity(unchecked) private var frameEnds: [Int] = []
    /// The conflation keys of its messages, by frame.
    private var frameKeys: [Int: ByteName] = [:]
    private(set) var content = Content.messages
    /// The channel of the messages.
    private(set) var channel: Channel?
    /// The channel's policy when the batch was begun; a later one does not fit the keys that were kept.
    private(set) var policy = SlowConsumerPolicy.disconnect

    var byteCount: Int { storage.count }
    /// Bytes of memory allocated, whether full or empty.
    var capacity: Int { storage.capacity }
    var messageCount: Int { content == .messages ? frameEnds.count : 0 }

    func begin(_ content: Content, of channel: Channel? = nil) {
        self.content = content
        self.channel = channel
        policy = channel?.policy ?? .disconnect
    }

    /// Adds the bytes that `write` appends as one frame (or one HTTP response), which is sent completely once begun.
    func appendFrame(_ write: (inout [UInt8]) -> Void) {
        write(&storage)
        frameEnds.append(storage.count)
    }

    func appendFrame(of message: Message, _ form: WireForm, _ writer: inout FrameWriter) {
        writer.append(message, form, to: &storage)
        if policy == .conflate, let key = conflationKey(of: message) { frameKeys[frameEnds.count] = key }
        frameEnds.append(storage.count)
    }

    /// Adds a message for one subscriber, with what its prefix writes before it.
    func appendFrame(
        of message: Message, after prefix: (any MessagePrefix)?, _ form: WireForm, _ writer: inout FrameWriter
    ) {
        if let prefix { writer.append(prefix, before: message, form, to: &storage) }
        appendFrame(of: message, form, &writer)
    }

    /// The key that the publisher gave the message; in a wildcard those of other channels are other keys.
    private func conflationKey(of message: Message) -> ByteName? {
        guard channel?.isWildcard == true else { return message.key.map { ByteName($0) } }
        return ByteName("\(message.channel)\u{0}\(message.key ?? "")")
    }

    /// The conflation key of a message.
    func key(ofFrame index: Int) -> ByteName? { frameKeys[index] }

    /// Lends a range of the bytes.
    func lend<Result>(_ range: Range<Int>, _ body: (RawSpan) -> Result) -> Result {
        unsafe storage.withUnsafeBytes {
            unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: $0[range])))
        }
    }

    /// The number of messages that end after `start` and at or before `end`.
    func messages(endingIn start: Int, _ end: Int) -> Int {
        guard content == .messages else { return 0 }
        return frameIndex(endingBehind: end) - frameIndex(endingBehind: start)
    }

    /// The indices of the messages that are completely between `start` and `end`.
    func messages(within start: Int, _ end: Int) -> Range<Int> {
        guard content == .messages else { return 0..<0 }
        let upper = frameIndex(endingBehind: end)
        let cut = frameIndex(endingBehind: start)
        let lower = cut < frameEnds.count && startOfFrame(cut) < start ? cut + 1 : cut
        return min(lower, upper)..<upper
    }

    /// The offset of a frame; for the index after the last one, the end of the batch.
    func startOfFrame(_ index: Int) -> Int { index == 0 ? 0 : frameEnds[index - 1] }

    /// The end of the frame that contains the byte before `offset`; `offset` itself if a frame ends there.
    func endOfFrame(begunBefore offset: Int) -> Int {
        guard offset > 0 else { return 0 }
        return frameEnds[frameIndex(endingBehind: offset - 1)]
    }

    /// Empties the batch for its next use; keeps its memory unless that is large.
    func recycle() {
        let keep = storage.capacity <= Batch.keptBytes
        storage.removeAll(keepingCapacity: keep)
        frameEnds.removeAll(keepingCapacity: keep)
        if !frameKeys.isEmpty { frameKeys = [:] }
        channel = nil
    }

    private static let keptBytes = 32_768

    /// The index of the first frame that ends after `offset`.
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
