internal import Bytes

// Limits of what is queued, and what is dropped over them.
extension Subscribers {
    /// Gives up the connections with the largest queues until `bytes` bytes are freed.
    mutating func shed(bytes: Int) {
        let target = queuedBytes - bytes
        for slot in blockedLargestFirst() where queuedBytes > target && !self[slot].isLost {
            dropQueue(slot, .overBudget)
            lose(slot, .overBudget(midFrame: false))
        }
        if queuedBytes > target {
            for slot in blockedLargestFirst() where queuedBytes > target { cut(slot) }
        }
    }

    private func blockedLargestFirst() -> [UInt32] {
        let blocked = all.indices.filter { all[$0].isBlocked && all[$0].outbox != nil }
        let sizes = blocked.map { (slot: UInt32($0), bytes: all[$0].outbox?.queuedBytes ?? 0) }
        return sizes.sorted { $0.bytes > $1.bytes }.map(\.slot)
    }

    /// Drops a connection's whole queue, even a message that was begun: nothing more can be sent to its client.
    private mutating func cut(_ slot: UInt32) {
        guard let outbox = self[slot].outbox, !outbox.isEmpty else { return }
        let dropped = change(outbox) { outbox.discardAll() }
        counts.dropped[DropCause.overBudget.rawValue] += dropped
        reportLoss(slot, .overBudget(midFrame: true))
    }

    /// Enforces the limit: messages over it are dropped at once, by the policy of the newest message.
    mutating func enforceLimit(_ slot: UInt32) {
        let before = reportsDrops ? counts.droppedBySlowness : 0
        let isWithinLimit = dropOverLimit(slot)
        if reportsDrops, counts.droppedBySlowness > before {
            report(.dropped(counts.droppedBySlowness - before), slot)
        }
        if !isWithinLimit { lose(slot, .overflow) }
    }

    /// Drops what is over the limit; returns false if the connection must be given up.
    private mutating func dropOverLimit(_ slot: UInt32) -> Bool {
        guard let outbox = self[slot].outbox else { return true }
        let conflated = change(outbox) { outbox.conflate() }
        counts.dropped[DropCause.conflate.rawValue] += conflated
        let encrypted = transport?.unsentBytes(of: self[slot].link) ?? 0
        // A message that was begun is finished even if its rest alone exceeds the limit.
        while outbox.queuedMessageBytes + encrypted > outboxLimitBytes, let policy = outbox.newestPolicy {
            switch policy {
            case .disconnect:
                dropQueue(slot, .disconnect)
                return false
            case .dropNewest:
                change(outbox) { outbox.dropNewest() }
                counts.dropped[DropCause.dropNewest.rawValue] += 1
            case .dropOldest, .conflate:
                change(outbox) { outbox.dropOldest() }
                counts.dropped[DropCause.dropOldest.rawValue] += 1
            }
        }
        return true
    }

    /// Changes the outbox of a blocked connection, and updates the totals.
    mutating func change<Result>(_ outbox: Outbox, _ body: () -> Result) -> Result {
        let (queued, sent) = (outbox.queuedBytes, outbox.sentBytesHeld)
        defer {
            queuedBytes += outbox.queuedBytes - queued
            sentBytesHeld += outbox.sentBytesHeld - sent
        }
        return body()
    }

    /// Drops a slow consumer's messages, except for the rest of one that was begun.
    private mutating func dropQueue(_ slot: UInt32, _ cause: DropCause) {
        guard let outbox = self[slot].outbox else { return }
        let dropped = change(outbox) { outbox.discardUnbegun() }
        counts.dropped[cause.rawValue] += dropped
    }

    /// Sends a client the notice of missed messages after it has read the previous notice, which limits the notices
    /// queued.
    mutating func tellMissed(_ slot: UInt32, _ outbox: Outbox) {
        guard !outbox.missed.isEmpty, outbox.queuedBytes == outbox.queuedMessageBytes, !self[slot].isLost
        else { return }
        for (channel, count) in outbox.takeMissed() {
            let notice = DeliveryNotice.missed(count: count)
            guard let text = writer.text(of: notice, in: channel.text, self[slot].form) else { continue }
            reply(slot, text: text)
        }
    }
}
