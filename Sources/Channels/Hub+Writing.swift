extension Hub {
    /// The kernel has room again for a blocked connection: the next flush writes to it.
    public func writable(_ slot: UInt32) {
        guard subscribers[Int(slot)].isBlocked else { return }
        subscribers[Int(slot)].isBlocked = false
        sentBytesHeldTotal -= subscribers[Int(slot)].outbox?.sentBytesHeld ?? 0
        mark(slot)
    }

    /// Whether the connection is waiting for the kernel to have room.
    public func isBlocked(_ slot: UInt32) -> Bool { subscribers[Int(slot)].isBlocked }

    /// Writes the outboxes of the marked connections.
    func writeMarked() {
        var next = 0
        repeat {
            while next < markedSlots.count {
                prepareOutbox(of: markedSlots[next])
                next += 1
            }
            // A connection that accepted only a part is marked again, at the end of the list.
            sendPrepared()
        } while next < markedSlots.count
        markedSlots.removeAll(keepingCapacity: true)
    }

    private func prepareOutbox(of slot: UInt32) {
        // The slot may have been removed, or marked again by its next connection.
        guard subscribers[Int(slot)].isMarked else { return }
        subscribers[Int(slot)].isMarked = false
        guard !subscribers[Int(slot)].isBlocked, let outbox = subscribers[Int(slot)].outbox else {
            return
        }
        guard !outbox.isEmpty else { return settleEmptied(slot, outbox) }
        prepared.add(slot, subscribers[Int(slot)].link, outbox)
        if prepared.isFull { sendPrepared() }
    }

    /// The whole queue was dropped: only the notice of missed messages is left to write.
    private func settleEmptied(_ slot: UInt32, _ outbox: Outbox) {
        tellMissed(slot, outbox)
        if outbox.isEmpty { giveBack(outbox, of: slot) }
    }

    private func giveBack(_ outbox: Outbox, of slot: UInt32) {
        subscribers[Int(slot)].outbox = nil
        pool.give(outbox)
        events.add(slot, .drained)
    }

    /// Makes the prepared writes and handles their results.
    func sendPrepared() {
        guard prepared.count > 0, let transport else { return }
        transport.send(prepared)
        for index in 0..<prepared.count {
            let write = unsafe prepared.entries[index]
            if write.piece < 0 {
                completeOutbox(of: write.slot, write.result)
            } else {
                complete(preparedBatches[Int(write.piece)], write.slot, write.result)
            }
        }
        prepared.removeAll()
    }

    private func complete(_ batch: Batch, _ slot: UInt32, _ result: SendResult) {
        switch result {
        case .accepted(let count):
            counts.sentBytes += count
            counts.deliveries += count == batch.byteCount ? batch.messageCount : batch.messages(endingIn: 0, count)
            guard count < batch.byteCount else { return }
            // A transport may accept less than it could: the next try shows whether it is blocked.
            enqueue(batch, count..<batch.byteCount, slot)
            mark(slot)
        case .blocked:
            enqueue(batch, 0..<batch.byteCount, slot)
            block(slot)
            enforceBound(slot)
        case .failed(let code):
            counts.droppedByClosing += batch.messageCount
            lose(slot, .failed(code))
        }
    }

    /// Not inlined: saving its registers would add 50 instructions to each direct delivery.
    @inline(never)
    private func completeOutbox(of slot: UInt32, _ result: SendResult) {
        guard let outbox = subscribers[Int(slot)].outbox else { return }
        switch result {
        case .accepted(let count):
            counts.sentBytes += count
            queuedBytesTotal -= count
            counts.deliveries += outbox.consume(count) { pool.give($0) }
            tellMissed(slot, outbox)
            guard outbox.isEmpty else { return mark(slot) }
            giveBack(outbox, of: slot)
        case .blocked:
            block(slot)
            enforceBound(slot)
        case .failed(let code):
            lose(slot, .failed(code))
        }
    }

    private func block(_ slot: UInt32) {
        guard !subscribers[Int(slot)].isBlocked else { return }
        subscribers[Int(slot)].isBlocked = true
        sentBytesHeldTotal += subscribers[Int(slot)].outbox?.sentBytesHeld ?? 0
        events.add(slot, .blocked)
    }
}
