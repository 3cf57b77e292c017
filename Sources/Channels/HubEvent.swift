/// A result of a flush about a connection, to be handled after the flush.
public enum HubEvent: Equatable, Sendable {
    /// The kernel accepted less than it was given: call `Hub.writable` when there is room.
    case blocked
    /// Everything that was queued has been written.
    case drained
    /// So many messages for it were dropped, as a slow consumer's; reported only if `Hub.reportDrops` asks for it.
    case dropped(Int)
    /// The connection must be closed.
    case lost(LossReason)
}

/// Why the hub gives up a connection.
public enum LossReason: Equatable, Sendable {
    /// Its outbox would have exceeded its limit: a slow consumer.
    ///
    /// Its messages were dropped, except for the rest of one that was begun.
    case overflow
    /// The server's budget for all outboxes was exceeded, and this one was among the largest.
    ///
    /// `midFrame`: the rest of a message that was begun was dropped too, so nothing more can be sent to the peer.
    case overBudget(midFrame: Bool)
    /// Writing failed; the errno value.
    case failed(Int32)
}

/// Events in order.
struct HubEventQueue {
    private var events: [(slot: UInt32, event: HubEvent)] = []
    private var next = 0

    mutating func add(_ slot: UInt32, _ event: HubEvent) {
        events.append((slot, event))
    }

    /// Takes the oldest event; if there is none, returns nil and frees the memory of a large queue.
    mutating func takeFirst() -> (slot: UInt32, event: HubEvent)? {
        guard next < events.count else {
            if next > 0 { events.removeAll(keepingCapacity: next <= HubEventQueue.kept) }
            next = 0
            return nil
        }
        defer { next += 1 }
        return events[next]
    }

    private static let kept = 1024
}
