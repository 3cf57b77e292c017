/// Batches and outboxes that are out of use, so that a steady flow of messages allocates nothing.
struct BatchPool {
    private static let kept = 512

    private var batches: [Batch] = []
    private var outboxes: [Outbox] = []

    mutating func batch(_ content: Batch.Content, of channel: Channel? = nil) -> Batch {
        let batch = batches.popLast() ?? Batch()
        batch.begin(content, of: channel)
        return batch
    }

    mutating func outbox() -> Outbox {
        outboxes.popLast() ?? Outbox()
    }

    /// Takes a batch back unless somebody else still reads from it.
    mutating func give(_ batch: consuming Batch) {
        guard batches.count < BatchPool.kept, isKnownUniquelyReferenced(&batch) else { return }
        batch.recycle()
        batches.append(batch)
    }

    /// Takes an empty outbox back.
    mutating func give(_ outbox: Outbox) {
        guard outboxes.count < BatchPool.kept else { return }
        outboxes.append(outbox)
    }
}
