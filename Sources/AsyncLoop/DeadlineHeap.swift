/// A place in a `DeadlineHeap`, and a generation that distinguishes its successive users.
struct DeadlineTicket: Equatable, Sendable {
    let slot: UInt32
    let generation: UInt32
}

/// Values ordered by deadline: a heap with four children per node, and a table of where each value is.
///
/// Adding a value that is later than all others takes constant time; everything else O(log n).
struct DeadlineHeap<Value> {
    private struct Node {
        var deadline: UInt64
        var slot: UInt32
        var value: Value
    }

    /// Where a ticket's value is in the heap; in a free slot, which slot is free after it.
    private struct Slot {
        var position: UInt32
        var generation: UInt32
    }

    private static var nowhere: UInt32 { .max }

    private var nodes: [Node] = []
    private var slots: [Slot] = []
    private var firstFree = DeadlineHeap.nowhere

    /// The number of values.
    var count: Int { nodes.count }

    /// The earliest deadline.
    var earliest: UInt64? { nodes.first?.deadline }

    /// Takes a ticket, for `insert`, `remove` or both.
    mutating func reserve() -> DeadlineTicket {
        guard firstFree != DeadlineHeap.nowhere else {
            slots.append(Slot(position: DeadlineHeap.nowhere, generation: 0))
            return DeadlineTicket(slot: UInt32(slots.count - 1), generation: 0)
        }
        let slot = firstFree
        firstFree = slots[Int(slot)].position
        slots[Int(slot)].position = DeadlineHeap.nowhere
        return DeadlineTicket(slot: slot, generation: slots[Int(slot)].generation)
    }

    /// Adds the value of a ticket that has none.
    mutating func insert(_ value: Value, at deadline: UInt64, _ ticket: DeadlineTicket) {
        precondition(holds(ticket) && slots[Int(ticket.slot)].position == DeadlineHeap.nowhere)
        nodes.append(Node(deadline: deadline, slot: ticket.slot, value: value))
        moveUp(nodes.count - 1)
    }

    /// Whether the ticket was neither removed nor expired.
    func holds(_ ticket: DeadlineTicket) -> Bool {
        slots[Int(ticket.slot)].generation == ticket.generation
    }

    /// Gives a ticket back; returns its value, if it has one.
    mutating func remove(_ ticket: DeadlineTicket) -> Value? {
        guard holds(ticket) else { return nil }
        let position = slots[Int(ticket.slot)].position
        release(ticket.slot)
        return position == DeadlineHeap.nowhere ? nil : take(Int(position))
    }

    /// Removes the earliest value if its deadline is not after `now`; its ticket is no longer valid.
    mutating func popExpired(at now: UInt64) -> Value? {
        guard let first = nodes.first, first.deadline <= now else { return nil }
        release(first.slot)
        return take(0)
    }

    private mutating func release(_ slot: UInt32) {
        slots[Int(slot)].generation &+= 1
        slots[Int(slot)].position = firstFree
        firstFree = slot
    }

    /// Removes the node at a position; the last node takes its place.
    private mutating func take(_ position: Int) -> Value {
        let last = nodes.removeLast()
        guard position < nodes.count else { return last.value }
        let value = nodes[position].value
        nodes[position] = last
        if position > 0, last.deadline < nodes[(position - 1) / 4].deadline {
            moveUp(position)
        } else {
            moveDown(position)
        }
        return value
    }

    private mutating func moveUp(_ start: Int) {
        let node = nodes[start]
        var position = start
        while position > 0 {
            let parent = (position - 1) / 4
            guard node.deadline < nodes[parent].deadline else { break }
            place(nodes[parent], position)
            position = parent
        }
        place(node, position)
    }

    private mutating func moveDown(_ start: Int) {
        let node = nodes[start]
        var position = start
        while let child = earliestChild(of: position), nodes[child].deadline < node.deadline {
            place(nodes[child], position)
            position = child
        }
        place(node, position)
    }

    private func earliestChild(of position: Int) -> Int? {
        let first = position * 4 + 1
        guard first < nodes.count else { return nil }
        var earliest = first
        for child in (first + 1)..<min(first + 4, nodes.count) where nodes[child].deadline < nodes[earliest].deadline {
            earliest = child
        }
        return earliest
    }

    private mutating func place(_ node: Node, _ position: Int) {
        nodes[position] = node
        slots[Int(node.slot)].position = UInt32(position)
    }
}
