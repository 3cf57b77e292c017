/// Unused batches and outboxes, kept so that a steady flow of messages allocates nothing.
struct BatchPool {
    private static let kept = 512
    /// The most bytes of all kept batches together, on top of the budget for outboxes.
    private static let keptBytes = 1 << 20

    private var batches: [Batch] = []
    private var bytes = 0
    private var outboxes: [Outbox] = []

    mutating func batch(_ content: Batch.Content, of channel: Channel? = nil) -> Batch {
        let batch = take() ?? Batch()
        batch.begin(content, of: channel)
        return batch
    }

    private mutating func take() -> Batch? {
        guard let batch = batches.popLast() else { return nil }
        bytes -= batch.capacity
        return batch
    }

    mutating func outbox() -> Outbox {
        outboxes.popLast() ?? Outbox()
    }

    /// Takes a batch back unless it is still referenced elsewhere.
    mutating func give(_ batch: consuming Batch) {
        guard batches.count < BatchPool.kept, isKnownUniquelyReferenced(&batch) else { return }
        batch.recycle()
        guard bytes + batch.capacity <= BatchPool.keptBytes else { return }
        bytes += batch.capacity
        batches.append(batch)
    }

    /// Takes an empty outbox back.
    mutating func give(_ outbox: Outbox) {
        guard outboxes.count < BatchPool.kept else { return }
        outboxes.append(outbox)
    }
}
