/// A channel's subscribers on one loop, and what was published to it during this turn.
final class Channel {
    /// The subscribers that get the same bytes.
    struct Audience {
        var slots: [UInt32] = []
        var batch: Batch?
    }

    let name: String
    let index: UInt32
    private(set) var isDirty = false
    private var plain = Audience()
    private var envelope = Audience()

    init(name: String, index: UInt32) {
        self.name = name
        self.index = index
    }

    var isEmpty: Bool { plain.slots.isEmpty && envelope.slots.isEmpty }

    func slots(_ encoding: WireEncoding) -> [UInt32] {
        encoding == .plain ? plain.slots : envelope.slots
    }

    /// Adds a subscriber and returns its position.
    func add(_ slot: UInt32, _ encoding: WireEncoding) -> UInt32 {
        switch encoding {
        case .plain:
            plain.slots.append(slot)
            return UInt32(plain.slots.count - 1)
        case .envelope:
            envelope.slots.append(slot)
            return UInt32(envelope.slots.count - 1)
        }
    }

    /// Removes the subscriber at `position` in constant time.
    ///
    /// - Returns: the slot of the subscriber that now has that position, if one was moved there.
    func remove(at position: UInt32, _ encoding: WireEncoding) -> UInt32? {
        switch encoding {
        case .plain: Channel.swapRemove(&plain.slots, Int(position))
        case .envelope: Channel.swapRemove(&envelope.slots, Int(position))
        }
    }

    /// Adds the message to the batch of each encoding that has subscribers.
    ///
    /// - Returns: whether the channel became dirty by it.
    func append(_ message: Message, newBatch: () -> Batch) -> Bool {
        Channel.append(message, .plain, to: &plain, newBatch)
        Channel.append(message, .envelope, to: &envelope, newBatch)
        defer { isDirty = true }
        return !isDirty
    }

    /// Takes the turn's batch of an encoding.
    func takeBatch(_ encoding: WireEncoding) -> Batch? {
        switch encoding {
        case .plain: plain.batch.take()
        case .envelope: envelope.batch.take()
        }
    }

    func markClean() {
        isDirty = false
    }

    private static func append(
        _ message: Message, _ encoding: WireEncoding, to audience: inout Audience, _ newBatch: () -> Batch
    ) {
        guard !audience.slots.isEmpty else { return }
        let batch = audience.batch ?? newBatch()
        batch.appendFrame(of: message, encoding)
        audience.batch = batch
    }

    private static func swapRemove(_ slots: inout [UInt32], _ position: Int) -> UInt32? {
        let last = slots.removeLast()
        guard position < slots.count else { return nil }
        slots[position] = last
        return last
    }
}
