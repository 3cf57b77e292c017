internal import Bytes
internal import WebSocket

extension Hub {
    /// Gives up the connections with the largest queues until `bytes` bytes are freed.
    ///
    /// A message that was begun is finished, unless freeing enough requires dropping it too.
    public func shed(bytes: Int) {
        let target = queuedBytesTotal - bytes
        for slot in blockedLargestFirst() where queuedBytesTotal > target && !subscribers[Int(slot)].isLost {
            dropQueue(slot, .overBudget)
            lose(slot, .overBudget(midFrame: false))
        }
        if queuedBytesTotal > target {
            for slot in blockedLargestFirst() where queuedBytesTotal > target { cut(slot) }
        }
    }

    private func blockedLargestFirst() -> [UInt32] {
        let blocked = subscribers.indices.filter { subscribers[$0].isBlocked && subscribers[$0].outbox != nil }
        let sizes = blocked.map { (slot: UInt32($0), bytes: subscribers[$0].outbox?.queuedBytes ?? 0) }
        return sizes.sorted { $0.bytes > $1.bytes }.map(\.slot)
    }

    /// Drops a connection's whole queue, even a message that was begun: nothing more can be sent to its client.
    private func cut(_ slot: UInt32) {
        guard let outbox = subscribers[Int(slot)].outbox, !outbox.isEmpty else { return }
        counts.dropped[DropCause.overBudget.rawValue] += change(outbox) { outbox.discardAll() }
        report(slot, .overBudget(midFrame: true))
    }

    /// Enforces the limit: messages over it are dropped at once, by the policy of the newest message.
    func enforceBound(_ slot: UInt32) {
        guard let outbox = subscribers[Int(slot)].outbox else { return }
        counts.dropped[DropCause.conflate.rawValue] += change(outbox) { outbox.conflate() }
        let encrypted = transport?.unsentBytes(of: subscribers[Int(slot)].link) ?? 0
        // A message that was begun is finished even if its rest alone exceeds the limit.
        while outbox.queuedMessageBytes + encrypted > outboxLimitBytes, let policy = outbox.newestPolicy {
            switch policy {
            case .disconnect:
                dropQueue(slot, .disconnect)
                return lose(slot, .overflow)
            case .dropNewest:
                change(outbox) { outbox.dropNewest() }
                counts.dropped[DropCause.dropNewest.rawValue] += 1
            case .dropOldest, .conflate:
                change(outbox) { outbox.dropOldest() }
                counts.dropped[DropCause.dropOldest.rawValue] += 1
            }
        }
    }

    /// Changes the outbox of a blocked connection, and updates the hub's totals.
    func change<Result>(_ outbox: Outbox, _ body: () -> Result) -> Result {
        let (queued, sent) = (outbox.queuedBytes, outbox.sentBytesHeld)
        defer {
            queuedBytesTotal += outbox.queuedBytes - queued
            sentBytesHeldTotal += outbox.sentBytesHeld - sent
        }
        return body()
    }

    /// Drops a slow consumer's messages, except for the rest of one that was begun.
    private func dropQueue(_ slot: UInt32, _ cause: DropCause) {
        guard let outbox = subscribers[Int(slot)].outbox else { return }
        counts.dropped[cause.rawValue] += change(outbox) { outbox.discardUnbegun() }
    }

    /// Sends a client the notice of missed messages after it has read the previous notice, which limits the notices
    /// queued.
    func tellMissed(_ slot: UInt32, _ outbox: Outbox) {
        guard !outbox.missed.isEmpty, outbox.queuedBytes == outbox.queuedMessageBytes, !subscribers[Int(slot)].isLost
        else { return }
        for (channel, count) in outbox.takeMissed() {
            let notice = DeliveryNotice.missed(count: count)
            guard let text = writer.text(of: notice, in: channel.text, subscribers[Int(slot)].form) else { continue }
            reply(slot, .text, message: text.rawSpan)
        }
    }
}
