extension Hub {
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
    func enforceBound(_ slot: UInt32) {
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

    func lose(_ slot: UInt32, _ reason: LossReason) {
        guard !subscribers[Int(slot)].isLost else { return }
        subscribers[Int(slot)].isLost = true
        losses.append((slot, reason))
    }

    func reportLosses() {
        while let loss = losses.popLast() { transport?.hubLost(loss.slot, loss.reason) }
    }
}
