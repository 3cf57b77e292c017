extension Hub {
    /// The kernel has room again for a connection that was blocked: the next flush writes to it.
    public func writable(_ slot: UInt32) {
        guard subscribers[Int(slot)].isBlocked else { return }
        subscribers[Int(slot)].isBlocked = false
        sentBytesHeldTotal -= subscribers[Int(slot)].outbox?.sentBytesHeld ?? 0
        mark(slot)
    }

    /// Whether something waits for the kernel to have room.
    public func isBlocked(_ slot: UInt32) -> Bool { subscribers[Int(slot)].isBlocked }

    /// Writes the outboxes of the marked connections.
    func writeMarked() {
        var next = 0
        repeat {
            while next < markedSlots.count {
                prepareOutbox(of: markedSlots[next])
                next += 1
            }
            // A connection that took only a part of what it has is marked again, at the end of the list.
            sendPrepared()
        } while next < markedSlots.count
        markedSlots.removeAll(keepingCapacity: true)
    }

    private func prepareOutbox(of slot: UInt32) {
        // The list may name a slot that was removed, or was marked again by its next connection.
        guard subscribers[Int(slot)].isMarked else { return }
        subscribers[Int(slot)].isMarked = false
        guard !subscribers[Int(slot)].isBlocked, let outbox = subscribers[Int(slot)].outbox else {
            return
        }
        guard !outbox.isEmpty else { return settleEmptied(slot, outbox) }
        prepared.add(slot, subscribers[Int(slot)].link, outbox)
        if prepared.isFull { sendPrepared() }
    }

    /// All that waited was dropped: there is nothing to write but what to tell of that.
    private func settleEmptied(_ slot: UInt32, _ outbox: Outbox) {
        tellMissed(slot, outbox)
        if outbox.isEmpty { giveBack(outbox, of: slot) }
    }

    private func giveBack(_ outbox: Outbox, of slot: UInt32) {
        subscribers[Int(slot)].outbox = nil
        pool.give(outbox)
        events.add(slot, .drained)
    }

    /// Makes the prepared writes and notes what became of them.
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
            // Not every transport takes all that it could at once: the next try tells whether it is blocked.
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

    /// Not inlined: with its registers to save, each direct delivery would take 50 instructions more.
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
