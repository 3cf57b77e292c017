/// A result of a flush about a connection, to be handled after the flush.
public enum HubEvent: Equatable, Sendable {
    /// The kernel accepted less than it was given: call `Hub.writable` when there is room.
    case blocked
    /// Everything that was queued has been written.
    case drained
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

extension Hub {
    /// Takes the next event of a flush; nil when there are no more.
    ///
    /// The caller must take all events after each flush; it may call anything on the hub meanwhile except `flush`.
    public func nextEvent() -> (slot: UInt32, event: HubEvent)? {
        while let found = events.takeFirst() {
            // Skip events of connections removed since; a slot is reused only after all events were taken.
            guard subscribers[Int(found.slot)].link >= 0 else { continue }
            if case .lost = found.event { subscribers[Int(found.slot)].hasUnreportedLoss = false }
            return found
        }
        freeSlots.append(contentsOf: retiredSlots)
        retiredSlots.removeAll(keepingCapacity: retiredSlots.count <= Hub.keptRetiredSlots)
        return nil
    }

    private static let keptRetiredSlots = 1024

    func lose(_ slot: UInt32, _ reason: LossReason) {
        guard !subscribers[Int(slot)].isLost else { return }
        report(slot, reason)
    }

    /// Reports a loss, even if the connection is already lost.
    func report(_ slot: UInt32, _ reason: LossReason) {
        subscribers[Int(slot)].isLost = true
        subscribers[Int(slot)].hasUnreportedLoss = true
        events.add(slot, .lost(reason))
    }
}
