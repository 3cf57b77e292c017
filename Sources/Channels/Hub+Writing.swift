/// A write that the transport was given and has not made yet.
struct PreparedWrite {
    static let outbox: Int32 = -1

    let slot: UInt32
    /// Which of `Hub.preparedBatches` it writes; `outbox` for what the connection has waiting.
    let batch: Int32
}

extension Hub {
    /// How many writes are made together: with io_uring more gain nothing, and fewer cost up to a tenth.
    public static let maxPreparedWrites = 128

    /// The kernel has room again for a connection that was blocked: the next flush writes to it.
    public func writable(_ slot: UInt32) {
        guard subscribers[Int(slot)].isBlocked else { return }
        subscribers[Int(slot)].isBlocked = false
        mark(slot)
    }

    /// Whether something waits for the kernel to have room.
    public func isBlocked(_ slot: UInt32) -> Bool { subscribers[Int(slot)].isBlocked }

    /// Writes the outboxes of the marked connections.
    func writeMarked() {
        var next = 0
        repeat {
            let transport = transport
            while next < markedSlots.count {
                prepareOutbox(of: markedSlots[next], transport)
                next += 1
            }
            // Both may mark connections again, at the end of the list: those that took a part of what they have, and those
            // that are replied to by whoever hears of a result.
            sendPrepared()
            reportLosses()
        } while next < markedSlots.count
        markedSlots.removeAll(keepingCapacity: true)
    }

    private func prepareOutbox(of slot: UInt32, _ transport: (any HubTransport)?) {
        // The list may name a slot that has changed hands; whoever has it now is on it again if it was marked.
        guard subscribers[Int(slot)].isMarked else { return }
        subscribers[Int(slot)].isMarked = false
        guard !subscribers[Int(slot)].isBlocked, let outbox = subscribers[Int(slot)].outbox, let transport else {
            return
        }
        guard !outbox.isEmpty else { return settleEmptied(slot, outbox) }
        transport.prepare(outbox, to: subscribers[Int(slot)].link)
        notePrepared(PreparedWrite(slot: slot, batch: PreparedWrite.outbox))
    }

    /// All that waited was dropped: there is nothing to write but what to tell of that.
    private func settleEmptied(_ slot: UInt32, _ outbox: Outbox) {
        tellMissed(slot, outbox)
        if outbox.isEmpty { giveBack(outbox, of: slot) }
    }

    private func giveBack(_ outbox: Outbox, of slot: UInt32) {
        subscribers[Int(slot)].outbox = nil
        pool.give(outbox)
        drainedSlots.append(slot)
    }

    func notePrepared(_ write: PreparedWrite) {
        prepared.append(write)
        if prepared.count == Hub.maxPreparedWrites { sendPrepared() }
    }

    /// Makes the prepared writes and deals with what became of them.
    func sendPrepared() {
        guard let transport else { return }
        makePreparedWrites(transport)
        while let slot = drainedSlots.popLast() { transport.hubDrained(slot) }
    }

    private func makePreparedWrites(_ transport: any HubTransport) {
        guard !prepared.isEmpty else { return }
        // Taken out of self, so that going through it costs no access to self.
        var writes: [PreparedWrite] = []
        swap(&writes, &prepared)
        transport.sendPrepared { complete(writes[$0], $1) }
        writes.removeAll(keepingCapacity: true)
        swap(&writes, &prepared)
    }

    private func complete(_ write: PreparedWrite, _ result: SendResult) {
        if write.batch == PreparedWrite.outbox {
            completeOutbox(of: write.slot, result)
        } else {
            complete(preparedBatches[Int(write.batch)], write.slot, result)
        }
    }

    private func complete(_ batch: Batch, _ slot: UInt32, _ result: SendResult) {
        switch result {
        case .accepted(let count):
            counts.sentBytes += count
            counts.deliveries += count == batch.byteCount ? batch.messageCount : batch.messages(endingIn: 0, count)
            guard count < batch.byteCount else { return }
            // Not every transport takes all that it could at once: the next try tells whether it is blocked.
            enqueue(batch, from: count, slot)
            mark(slot)
        case .blocked:
            enqueue(batch, from: 0, slot)
            block(slot)
            enforceBound(slot)
        case .failed(let code):
            counts.droppedByClosing += batch.messageCount
            lose(slot, .failed(code))
        }
    }

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
        transport?.hubBlocked(slot)
    }
}
