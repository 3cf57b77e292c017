// Prepares writes, has the transport make them, and handles their results.
extension Subscribers {
    /// Sends this turn's messages of a channel to subscribers that get the same bytes.
    ///
    /// The batch must not change before `finishBatches`.
    ///
    /// - Parameter starts: the offsets where the messages of some subscribers begin; those of all others begin at 0.
    mutating func send(_ batch: Batch, to slots: [UInt32], startingAt starts: [UInt32: Int]) {
        let piece = Int32(preparedBatches.count)
        preparedBatches.append(batch)
        let bytes = 0..<batch.byteCount
        batch.lend(bytes) { prepared.addPiece($0) }
        for slot in slots {
            if !starts.isEmpty, let start = starts[slot] {
                queue(batch, start..<bytes.upperBound, for: slot)
            } else if self[slot].isDirect {
                prepared.add(slot, self[slot].link, piece: piece)
                if prepared.isFull { sendPrepared() }
            } else {
                queue(batch, bytes, for: slot)
            }
        }
    }

    /// Makes the writes that are left of the batches, and gives the batches back.
    mutating func finishBatches() {
        sendPrepared()
        while let batch = preparedBatches.popLast() { pool.give(batch) }
        prepared.removePieces()
    }

    /// Writes the outboxes of the marked connections.
    mutating func writeMarked() {
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

    private mutating func prepareOutbox(of slot: UInt32) {
        // The slot may have been removed, or marked again by its next connection.
        guard self[slot].isMarked else { return }
        self[slot].isMarked = false
        guard !self[slot].isBlocked, let outbox = self[slot].outbox else { return }
        guard !outbox.isEmpty else { return settleEmptied(slot, outbox) }
        prepared.add(slot, self[slot].link, outbox)
        if prepared.isFull { sendPrepared() }
    }

    /// The whole queue was dropped: only the notice of missed messages is left to write.
    private mutating func settleEmptied(_ slot: UInt32, _ outbox: Outbox) {
        tellMissed(slot, outbox)
        if outbox.isEmpty { giveBack(outbox, of: slot) }
    }

    private mutating func giveBack(_ outbox: Outbox, of slot: UInt32) {
        self[slot].outbox = nil
        pool.give(outbox)
        report(.drained, slot)
    }

    /// Makes the prepared writes and handles their results.
    private mutating func sendPrepared() {
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

    private mutating func complete(_ batch: Batch, _ slot: UInt32, _ result: SendResult) {
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
            enforceLimit(slot)
        case .failed(let code):
            counts.droppedByClosing += batch.messageCount
            lose(slot, .failed(code))
        }
    }

    /// Not inlined: saving its registers would add 50 instructions to each direct delivery.
    @inline(never)
    private mutating func completeOutbox(of slot: UInt32, _ result: SendResult) {
        guard let outbox = self[slot].outbox else { return }
        switch result {
        case .accepted(let count):
            counts.sentBytes += count
            queuedBytes -= count
            let deliveries = outbox.consume(count) { pool.give($0) }
            counts.deliveries += deliveries
            tellMissed(slot, outbox)
            guard outbox.isEmpty else { return mark(slot) }
            giveBack(outbox, of: slot)
        case .blocked:
            block(slot)
            enforceLimit(slot)
        case .failed(let code):
            lose(slot, .failed(code))
        }
    }

    private mutating func block(_ slot: UInt32) {
        guard !self[slot].isBlocked else { return }
        self[slot].isBlocked = true
        sentBytesHeld += self[slot].outbox?.sentBytesHeld ?? 0
        report(.blocked, slot)
    }

    /// The kernel has room again for a connection.
    mutating func unblock(_ slot: UInt32) {
        guard self[slot].isBlocked else { return }
        self[slot].isBlocked = false
        sentBytesHeld -= self[slot].outbox?.sentBytesHeld ?? 0
        mark(slot)
    }
}
