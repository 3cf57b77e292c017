internal import Bytes
public import WebSocket

extension Hub {
    /// Adds a message for its channel's subscribers on this loop; nothing is written before `flush`.
    public func deliver(_ message: Message) {
        guard let channel = channel(named: message.channel) else { return }
        if channel.append(message, &writer, newBatch: { pool.batch(.messages, of: channel) }) {
            dirtyChannels.append(channel)
        }
    }

    /// Queues a reply, a control frame or a response for one connection; the next `flush` writes it.
    ///
    /// - Parameter write: appends one frame or one response.
    public func reply(_ slot: UInt32, _ write: (inout [UInt8]) -> Void) {
        // Earlier replies were dropped with the queue, so the client would mistake this one for them. A reply to the
        // loss itself is sent after the loss was reported.
        guard !subscribers[Int(slot)].hasUnreportedLoss else { return }
        let outbox = outbox(of: slot)
        let before = outbox.queuedBytes
        outbox.appendReply(newBatch: { pool.batch(.replies) }, write)
        queuedBytesTotal += outbox.queuedBytes - before
        mark(slot)
    }

    /// Queues a message for one connection, compressed if its form says so.
    public func reply(_ slot: UInt32, _ opcode: Opcode, message: RawSpan) {
        if let deflated = writer.deflated(message, subscribers[Int(slot)].form) {
            reply(slot) { FrameEncoder.appendFrame(opcode, rsv1: true, deflated.rawSpan, to: &$0) }
        } else {
            reply(slot) { FrameEncoder.appendFrame(opcode, message, to: &$0) }
        }
    }

    /// Sends a notice to a channel's subscribers whose protocol has one, after the messages so far.
    public func tell(_ notice: DeliveryNotice, of name: String) {
        guard let channel = channel(named: name) else { return }
        for index in 0..<channel.audienceCount {
            let (form, slots) = channel.audience(index)
            guard !slots.isEmpty, let text = writer.text(of: notice, in: name, form) else { continue }
            for slot in slots {
                queueUnsent(to: slot, channel)
                channel.skip(slot, form)
                reply(slot, .text, message: text.rawSpan)
            }
        }
    }

    /// Writes everything that was marked; call it once at the end of each turn of the loop.
    ///
    /// - Parameter holdingBusy: keeps channels that had several messages in their last flush for a later one, so that
    ///   more messages leave together.
    ///
    /// `nextEvent` returns what the flush found out about connections.
    public func flush(holdingBusy: Bool = false) {
        precondition(!isFlushing, "Hub: a flush was entered twice")
        isFlushing = true
        fanOutDirtyChannels(holdingBusy: holdingBusy)
        writeMarked()
        isFlushing = false
    }

    /// Whether anything was marked since the last flush.
    public var hasMarked: Bool { !markedSlots.isEmpty }

    /// Whether the last flush kept channels for a later one.
    public var holdsChannels: Bool { !dirtyChannels.isEmpty }

    private func fanOutDirtyChannels(holdingBusy: Bool) {
        busyChannelsFlushed = 0
        // A message for a few subscribers does not wait for one for thousands.
        for channel in dirtyChannels where channel.subscriberCount <= PreparedWrites.capacity {
            fanOut(channel, unlessBusy: holdingBusy)
        }
        for channel in dirtyChannels { fanOut(channel, unlessBusy: holdingBusy) }
        dirtyChannels.removeAll { !$0.isDirty }
        settleFanOut()
    }

    private func fanOut(_ channel: Channel, unlessBusy: Bool) {
        guard channel.isDirty, !(unlessBusy && channel.isBusy) else { return }
        fanOut(channel)
        if channel.isBusy { busyChannelsFlushed += 1 }
    }

    private func settleFanOut() {
        sendPrepared()
        while let batch = preparedBatches.popLast() { pool.give(batch) }
        prepared.removePieces()
    }

    private func fanOut(_ channel: Channel) {
        channel.markClean(receivedNanoseconds: &receivedNanoseconds)
        for index in 0..<channel.audienceCount {
            guard let (batch, slots, starts) = channel.takeBatch(ofAudience: index) else { continue }
            preparedBatches.append(batch)
            let number = Int32(preparedBatches.count - 1)
            let bytes = 0..<batch.byteCount
            batch.lend(bytes) { prepared.addPiece($0) }
            for slot in slots {
                if !starts.isEmpty, let start = starts[slot] {
                    queue(batch, start..<bytes.upperBound, for: slot)
                } else if subscribers[Int(slot)].isDirect {
                    prepared.add(slot, subscribers[Int(slot)].link, piece: number)
                    if prepared.isFull { sendPrepared() }
                } else {
                    queue(batch, bytes, for: slot)
                }
            }
        }
    }

    /// Queues this turn's messages of a channel for a subscriber, so that later output is written after them.
    func queueUnsent(to slot: UInt32, _ channel: Channel) {
        guard let (batch, bytes) = channel.unsent(to: slot, subscribers[Int(slot)].form) else { return }
        queue(batch, bytes, for: slot)
    }

    /// Adds a range of a batch to a connection's outbox, so that several channels' messages become one write.
    private func queue(_ batch: Batch, _ bytes: Range<Int>, for slot: UInt32) {
        guard !bytes.isEmpty else { return }
        guard !subscribers[Int(slot)].isLost else {
            counts.droppedByClosing += batch.messages(endingIn: bytes.lowerBound, bytes.upperBound)
            return
        }
        enqueue(batch, bytes, slot)
        if subscribers[Int(slot)].isBlocked { enforceBound(slot) } else { mark(slot) }
    }

    func enqueue(_ batch: Batch, _ bytes: Range<Int>, _ slot: UInt32) {
        let outbox = outbox(of: slot)
        // The first piece of an outbox may begin after the start of its batch, which is held completely.
        if subscribers[Int(slot)].isBlocked { return change(outbox) { outbox.append(batch, bytes) } }
        outbox.append(batch, bytes)
        queuedBytesTotal += bytes.count
    }

    func mark(_ slot: UInt32) {
        guard !subscribers[Int(slot)].isMarked else { return }
        subscribers[Int(slot)].isMarked = true
        markedSlots.append(slot)
    }

    private func outbox(of slot: UInt32) -> Outbox {
        if let outbox = subscribers[Int(slot)].outbox { return outbox }
        let outbox = pool.outbox()
        outbox.tellsMissed = writer.hasEncoder(subscribers[Int(slot)].form)
        subscribers[Int(slot)].outbox = outbox
        return outbox
    }
}
