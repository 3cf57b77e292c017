internal import Bytes
public import WebSocket

extension Hub {
    /// Takes a message for its channel's subscribers here; nothing is written before `flush`.
    public func deliver(_ message: Message) {
        guard let channel = channel(named: message.channel) else { return }
        if channel.append(message, &deflaters, newBatch: { pool.batch(.messages) }) { dirtyChannels.append(channel) }
        receipts.append(message.receivedNanoseconds)
    }

    /// Queues a reply, a control frame or a response for one connection; written by the next `flush`.
    ///
    /// - Parameter write: appends one frame or one response.
    public func reply(_ slot: UInt32, _ write: (inout [UInt8]) -> Void) {
        let outbox = outbox(of: slot)
        let before = outbox.queuedBytes
        outbox.appendReply(newBatch: { pool.batch(.replies) }, write)
        queuedBytesTotal += outbox.queuedBytes - before
        mark(slot)
    }

    /// Queues a message for one connection, compressed if that is its form.
    public func reply(_ slot: UInt32, _ opcode: Opcode, message: RawSpan) {
        let window = subscribers[Int(slot)].form.window
        if let window, let deflated = deflaters.deflate(message, for: window) {
            reply(slot) { FrameEncoder.appendFrame(opcode, rsv1: true, deflated.rawSpan, to: &$0) }
        } else {
            reply(slot) { FrameEncoder.appendFrame(opcode, message, to: &$0) }
        }
    }

    /// Writes everything that was marked; called once at the end of each turn of the loop.
    public func flush() {
        for channel in dirtyChannels where channel.isDirty { fanOut(channel) }
        dirtyChannels.removeAll(keepingCapacity: true)
        repeat {
            writeMarked()
            reportLosses()
        } while !markedSlots.isEmpty
    }

    private func writeMarked() {
        // Whoever hears that a connection is drained may reply to it: such slots join the end of the list.
        var next = 0
        while next < markedSlots.count {
            let slot = markedSlots[next]
            next += 1
            subscribers[Int(slot)].isMarked = false
            if !subscribers[Int(slot)].isBlocked { writeOut(slot) }
        }
        markedSlots.removeAll(keepingCapacity: true)
    }

    /// The kernel has room again for a connection that was blocked.
    public func writable(_ slot: UInt32) {
        guard subscribers[Int(slot)].isBlocked else { return }
        subscribers[Int(slot)].isBlocked = false
        writeOut(slot, wasBlocked: true)
        reportLosses()
    }

    /// Sends a channel's batches to its subscribers.
    func fanOut(_ channel: Channel) {
        channel.markClean()
        // Loading a weak reference costs more than all else that is done per subscriber: once is enough.
        let transport = transport
        for index in 0..<channel.audienceCount {
            guard let (batch, slots) = channel.takeBatch(ofAudience: index) else { continue }
            for slot in slots { send(batch, to: slot, transport) }
            pool.give(batch)
        }
    }

    /// A clean subscriber of this channel only is written at once, from the batch that all share; for others the
    /// batch joins what they have waiting, and several channels become one write.
    private func send(_ batch: Batch, to slot: UInt32, _ transport: (any HubTransport)?) {
        let index = Int(slot)
        guard !subscribers[index].isLost, let transport else {
            counts.droppedByClosing += batch.messageCount
            return
        }
        guard subscribers[index].isDirect else {
            enqueue(batch, from: 0, slot)
            if subscribers[index].isBlocked { enforceBound(slot) } else { mark(slot) }
            return
        }
        let link = subscribers[index].link
        switch batch.lend(0..<batch.byteCount, { transport.send($0, to: link) }) {
        case .accepted(let count):
            counts.sentBytes += count
            counts.deliveries += count == batch.byteCount ? batch.messageCount : batch.messages(endingIn: 0, count)
            if count < batch.byteCount { keepRest(of: batch, from: count, slot) }
        case .blocked:
            keepRest(of: batch, from: 0, slot)
        case .failed(let code):
            counts.droppedByClosing += batch.messageCount
            lose(slot, .failed(code))
        }
    }

    private func keepRest(of batch: Batch, from start: Int, _ slot: UInt32) {
        enqueue(batch, from: start, slot)
        block(slot)
        enforceBound(slot)
    }

    private func enqueue(_ batch: Batch, from start: Int, _ slot: UInt32) {
        outbox(of: slot).append(batch, from: start)
        queuedBytesTotal += batch.byteCount - start
    }

    private func writeOut(_ slot: UInt32, wasBlocked: Bool = false) {
        guard let outbox = subscribers[Int(slot)].outbox, let transport else { return }
        let link = subscribers[Int(slot)].link
        while !outbox.isEmpty {
            switch transport.send(outbox, to: link) {
            case .accepted(let count):
                counts.sentBytes += count
                queuedBytesTotal -= count
                counts.deliveries += outbox.consume(count) { pool.give($0) }
            case .blocked:
                block(slot)
                enforceBound(slot)
                return
            case .failed(let code):
                lose(slot, .failed(code))
                return
            }
        }
        subscribers[Int(slot)].outbox = nil
        pool.give(outbox)
        transport.hubDrained(slot, wasBlocked: wasBlocked)
    }

    private func block(_ slot: UInt32) {
        guard !subscribers[Int(slot)].isBlocked else { return }
        subscribers[Int(slot)].isBlocked = true
        transport?.hubBlocked(slot)
    }

    /// Gives up the connections with the largest queues until so many bytes are freed.
    public func shed(bytes: Int) {
        let blocked = subscribers.indices.filter { subscribers[$0].isBlocked && !subscribers[$0].isLost }
        let largestFirst = blocked.sorted {
            subscribers[$0].outbox?.queuedBytes ?? 0 > subscribers[$1].outbox?.queuedBytes ?? 0
        }
        let target = queuedBytesTotal - bytes
        for index in largestFirst where queuedBytesTotal > target {
            let midFrame = dropQueue(UInt32(index))
            lose(UInt32(index), .overBudget(midFrame: midFrame))
        }
        reportLosses()
    }

    /// The bound is strict: what passes it is dropped at once and the connection given up.
    private func enforceBound(_ slot: UInt32) {
        guard let outbox = subscribers[Int(slot)].outbox, outbox.queuedMessageBytes > outboxLimitBytes else { return }
        let midFrame = dropQueue(slot)
        lose(slot, .overflow(midFrame: midFrame))
    }

    /// Drops a slow consumer's messages but for the rest of one that was begun.
    ///
    /// - Returns: whether even that was too much and the stream is cut inside a frame.
    private func dropQueue(_ slot: UInt32) -> Bool {
        guard let outbox = subscribers[Int(slot)].outbox else { return false }
        let before = outbox.queuedBytes
        defer { queuedBytesTotal -= before - outbox.queuedBytes }
        counts.droppedBySlowConsumers += outbox.discardUnbegun()
        guard outbox.queuedMessageBytes > outboxLimitBytes else { return false }
        counts.droppedBySlowConsumers += outbox.discardAll()
        return true
    }

    private func lose(_ slot: UInt32, _ reason: LossReason) {
        guard !subscribers[Int(slot)].isLost else { return }
        subscribers[Int(slot)].isLost = true
        losses.append((slot, reason))
    }

    private func reportLosses() {
        while let loss = losses.popLast() { transport?.hubLost(loss.slot, loss.reason) }
    }

    private func mark(_ slot: UInt32) {
        guard !subscribers[Int(slot)].isMarked else { return }
        subscribers[Int(slot)].isMarked = true
        markedSlots.append(slot)
    }

    private func outbox(of slot: UInt32) -> Outbox {
        if let outbox = subscribers[Int(slot)].outbox { return outbox }
        let outbox = pool.outbox()
        subscribers[Int(slot)].outbox = outbox
        return outbox
    }
}
