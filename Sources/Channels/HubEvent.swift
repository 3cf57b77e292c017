/// What a flush found out about a connection, to be acted on after the flush.
public enum HubEvent: Equatable, Sendable {
    /// The kernel took less than it was given: call `Hub.writable` when there is room.
    case blocked
    /// Everything that was queued has been written.
    case drained
    /// The connection is to be closed.
    case lost(LossReason)
}

/// Why the hub gives a connection up.
public enum LossReason: Equatable, Sendable {
    /// Its outbox would have passed its limit: a slow consumer.
    ///
    /// Its messages were dropped, but for the rest of one that was begun.
    case overflow
    /// The server's budget for all outboxes is spent, and this one was among the largest.
    ///
    /// `midFrame`: the rest of a message that was begun was dropped too; nothing more can be said to the peer.
    case overBudget(midFrame: Bool)
    /// Writing failed; the errno value.
    case failed(Int32)
}

/// Events in the order in which they were found.
struct HubEventQueue {
    private var events: [(slot: UInt32, event: HubEvent)] = []
    private var next = 0

    mutating func add(_ slot: UInt32, _ event: HubEvent) {
        events.append((slot, event))
    }

    /// Takes the oldest event; nil, and the memory of a large queue is freed, when there is none.
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
    /// Takes the next thing that a flush found out; nil when all of them were taken.
    ///
    /// The caller takes all after each flush, and may do anything with the hub meanwhile but `flush`.
    public func nextEvent() -> (slot: UInt32, event: HubEvent)? {
        while let found = events.takeFirst() {
            // An event of a connection that was removed since is nobody's: its slot is reused only after all were taken.
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

    /// Reports a loss, even of a connection that was lost before.
    func report(_ slot: UInt32, _ reason: LossReason) {
        subscribers[Int(slot)].isLost = true
        subscribers[Int(slot)].hasUnreportedLoss = true
        events.add(slot, .lost(reason))
    }
}
