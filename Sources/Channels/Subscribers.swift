internal import Bytes
internal import WebSocket

/// The connections of a hub by slot, and what is queued for each of them.
///
/// It is a part of the hub, which calls it and is not called by it. It knows nothing of channels.
struct Subscribers {
    /// The most message bytes that may be queued for one connection.
    var outboxLimitBytes: Int
    /// Not weak: that would give the transport a side table, which triples the cost of each retain and release.
    unowned var transport: (any HubTransport)?
    private(set) var all: ContiguousArray<Subscriber> = []
    private var freeSlots: [UInt32] = []
    /// Slots of removed connections that an event may still refer to.
    private var retiredSlots: [UInt32] = []
    var markedSlots: [UInt32] = []
    /// The writes for the transport, and the batches that they refer to.
    let prepared = PreparedWrites()
    var preparedBatches: [Batch] = []
    private var events = HubEventQueue()
    var pool = BatchPool()
    var writer: FrameWriter
    var counts = DeliveryCounts()
    var reportsDrops = false
    /// Bytes queued for all connections together.
    var queuedBytes = 0
    /// Bytes already sent of the batches at the front of blocked outboxes, which stay in memory until the batch is
    /// finished.
    var sentBytesHeld = 0

    init(outboxLimitBytes: Int, encoders: [(any MessageEncoder)?]) {
        self.outboxLimitBytes = outboxLimitBytes
        writer = FrameWriter(encoders: encoders)
    }

    subscript(slot: UInt32) -> Subscriber {
        @inline(__always) get { all[Int(slot)] }
        @inline(__always) _modify { yield &all[Int(slot)] }
    }

    mutating func add(link: Int32) -> UInt32 {
        if let slot = freeSlots.popLast() {
            self[slot] = Subscriber(link: link)
            return slot
        }
        all.append(Subscriber(link: link))
        return UInt32(all.count - 1)
    }

    mutating func setForm(_ form: WireForm, of slot: UInt32) {
        precondition(self[slot].channelCount == 0, "the form of a subscriber cannot change")
        self[slot].form = form
        self[slot].outbox?.tellsMissed = writer.hasEncoder(form)
    }

    /// Removes a connection that has left all channels, and drops its queue.
    mutating func remove(_ slot: UInt32) {
        if let outbox = self[slot].outbox.take() {
            if self[slot].isBlocked { sentBytesHeld -= outbox.sentBytesHeld }
            queuedBytes -= outbox.queuedBytes
            counts.droppedByClosing += outbox.discardAll()
            pool.give(outbox)
        }
        self[slot] = Subscriber(link: -1)
        retiredSlots.append(slot)
    }

    mutating func takeCounts() -> DeliveryCounts {
        counts.compressions = writer.takeCompressions()
        defer { counts = DeliveryCounts() }
        return counts
    }
}

// MARK: - Queueing

extension Subscribers {
    mutating func reply(_ slot: UInt32, _ write: (inout [UInt8]) -> Void) {
        // Earlier replies were dropped with the queue, so the client would mistake this one for them. A reply to the
        // loss itself is sent after the loss was reported.
        guard !self[slot].hasUnreportedLoss else { return }
        let outbox = outbox(of: slot)
        let before = outbox.queuedBytes
        outbox.appendReply(newBatch: { pool.batch(.replies) }, write)
        queuedBytes += outbox.queuedBytes - before
        mark(slot)
    }

    mutating func reply(_ slot: UInt32, _ opcode: Opcode, message: RawSpan) {
        if let deflated = writer.deflated(message, self[slot].form) {
            reply(slot) { FrameEncoder.appendFrame(opcode, rsv1: true, deflated.rawSpan, to: &$0) }
        } else {
            reply(slot) { FrameEncoder.appendFrame(opcode, message, to: &$0) }
        }
    }

    /// Queues a notice.
    mutating func reply(_ slot: UInt32, text: [UInt8]) {
        var bytes: [UInt8] = []
        writer.append(text: text, self[slot].form, to: &bytes)
        reply(slot) { $0.append(contentsOf: bytes) }
    }

    /// Adds a range of a batch to a connection's outbox, so that several channels' messages become one write.
    mutating func queue(_ batch: Batch, _ bytes: Range<Int>, for slot: UInt32) {
        guard !bytes.isEmpty else { return }
        guard !self[slot].isLost else {
            counts.droppedByClosing += batch.messages(endingIn: bytes.lowerBound, bytes.upperBound)
            return
        }
        enqueue(batch, bytes, slot)
        if self[slot].isBlocked { enforceLimit(slot) } else { mark(slot) }
    }

    mutating func enqueue(_ batch: Batch, _ bytes: Range<Int>, _ slot: UInt32) {
        let outbox = outbox(of: slot)
        // The first piece of an outbox may begin after the start of its batch, which is held completely.
        if self[slot].isBlocked { return change(outbox) { outbox.append(batch, bytes) } }
        outbox.append(batch, bytes)
        queuedBytes += bytes.count
    }

    mutating func mark(_ slot: UInt32) {
        guard !self[slot].isMarked else { return }
        self[slot].isMarked = true
        markedSlots.append(slot)
    }

    var hasMarked: Bool { !markedSlots.isEmpty }

    private mutating func outbox(of slot: UInt32) -> Outbox {
        if let outbox = self[slot].outbox { return outbox }
        let outbox = pool.outbox()
        outbox.tellsMissed = writer.hasEncoder(self[slot].form)
        self[slot].outbox = outbox
        return outbox
    }
}

// MARK: - Events

extension Subscribers {
    mutating func nextEvent() -> (slot: UInt32, event: HubEvent)? {
        while let found = events.takeFirst() {
            // Skip events of connections removed since; a slot is reused only after all events were taken.
            guard self[found.slot].link >= 0 else { continue }
            if case .lost = found.event { self[found.slot].hasUnreportedLoss = false }
            return found
        }
        freeSlots.append(contentsOf: retiredSlots)
        retiredSlots.removeAll(keepingCapacity: retiredSlots.count <= Subscribers.keptRetiredSlots)
        return nil
    }

    private static let keptRetiredSlots = 1024

    mutating func report(_ event: HubEvent, _ slot: UInt32) {
        events.add(slot, event)
    }

    /// Gives a connection up, unless that has happened already.
    mutating func lose(_ slot: UInt32, _ reason: LossReason) {
        guard !self[slot].isLost else { return }
        reportLoss(slot, reason)
    }

    /// Reports a loss, even if the connection is already lost.
    mutating func reportLoss(_ slot: UInt32, _ reason: LossReason) {
        self[slot].isLost = true
        self[slot].hasUnreportedLoss = true
        report(.lost(reason), slot)
    }
}
