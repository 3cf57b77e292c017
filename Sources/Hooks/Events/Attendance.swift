internal import DequeModule

/// Which occupants this node has: they come with a first subscription, and go when the last one has ended and a grace
/// time has passed without another.
///
/// Times are milliseconds on one clock.
public struct Attendance {
    /// Who is in the grace time; of more, the oldest go early, so that clients cannot fill the memory with names.
    static let maxAbsent = 32_768

    private struct Entry {
        var subscriptions: Int
        /// When it goes; nil while there are subscriptions.
        var endsAt: UInt64?
    }

    private var grace: UInt64
    private var entries: [Occupant: Entry] = [:]
    /// In the order of their times; some may have come back.
    private var absent = Deque<(occupant: Occupant, endsAt: UInt64)>()

    /// - Parameter grace: milliseconds from the last subscription's end until an occupant has gone.
    public init(grace: UInt64) {
        self.grace = grace
    }

    /// Changes the grace time; who is absent already is not waited for longer than that from now on.
    public mutating func setGrace(_ grace: UInt64, at now: UInt64) {
        guard grace != self.grace else { return }
        self.grace = grace
        let latest = now + grace
        for index in absent.indices where absent[index].endsAt > latest {
            let (occupant, end) = absent[index]
            if entries[occupant]?.endsAt == end { entries[occupant]?.endsAt = latest }
            absent[index].endsAt = latest
        }
    }

    /// The number of occupants, those in their grace time included.
    var count: Int { entries.count }

    /// A connection has subscribed.
    ///
    /// - Returns: whether the occupant has come: it was not there, not even in its grace time.
    public mutating func enter(_ occupant: Occupant) -> Bool {
        let entry = entries[occupant]
        entries[occupant] = Entry(subscriptions: (entry?.subscriptions ?? 0) + 1)
        return entry == nil
    }

    /// A subscription has ended.
    public mutating func exit(_ occupant: Occupant, at now: UInt64) {
        guard var entry = entries[occupant], entry.subscriptions > 0 else { return }
        entry.subscriptions -= 1
        if entry.subscriptions == 0 {
            entry.endsAt = now + grace
            absent.append((occupant: occupant, endsAt: now + grace))
        }
        entries[occupant] = entry
    }

    /// Takes out the occupants whose grace time is over.
    public mutating func takeGone(at now: UInt64) -> [Occupant] {
        var gone: [Occupant] = []
        while let first = absent.first, first.endsAt <= now || absent.count > Attendance.maxAbsent {
            absent.removeFirst()
            // It may have come back, and have gone again since.
            guard entries[first.occupant]?.endsAt == first.endsAt else { continue }
            entries[first.occupant] = nil
            gone.append(first.occupant)
        }
        return gone
    }
}
