internal import DequeModule

/// Which occupants this process has: they come with a first subscription, and go when the last one has ended and a
/// grace time has passed without another.
///
/// Times are milliseconds on one clock.
public struct Attendance<Occupant: Hashable & Sendable>: Sendable {
    /// The most occupants in grace times of one length.
    ///
    /// Beyond it the oldest go early, so that clients cannot fill the memory with names.
    static var maxAbsent: Int { 32_768 }

    private struct Entry {
        var subscriptions: Int
        /// When it goes; nil while there are subscriptions.
        var endsAt: UInt64?
    }

    private typealias Absentees = Deque<(occupant: Occupant, endsAt: UInt64)>

    private var entries: [Occupant: Entry] = [:]
    /// By the length of the grace time, in the order of their ends; some may have come back.
    private var absent: [UInt64: Absentees] = [:]

    /// Nobody is there yet.
    public init() {}

    /// The number of occupants, those in their grace time included.
    public var count: Int { entries.count }

    /// A connection has subscribed.
    ///
    /// - Returns: whether the occupant has come: it was not there, not even in its grace time.
    public mutating func enter(_ occupant: Occupant) -> Bool {
        let entry = entries[occupant]
        entries[occupant] = Entry(subscriptions: (entry?.subscriptions ?? 0) + 1)
        return entry == nil
    }

    /// A subscription has ended.
    ///
    /// - Parameter grace: milliseconds until the occupant has gone, if this was its last subscription.
    public mutating func exit(_ occupant: Occupant, at now: UInt64, grace: UInt64) {
        guard var entry = entries[occupant], entry.subscriptions > 0 else { return }
        entry.subscriptions -= 1
        if entry.subscriptions == 0 {
            entry.endsAt = now + grace
            absent[grace, default: []].append((occupant: occupant, endsAt: now + grace))
        }
        entries[occupant] = entry
    }

    /// From now on, waits for nobody who is absent longer than `grace` milliseconds.
    public mutating func shorten(to grace: UInt64, at now: UInt64) {
        let latest = now + grace
        for length in Array(absent.keys) where length > grace {
            guard var absentees = absent[length] else { continue }
            for index in absentees.indices where absentees[index].endsAt > latest {
                let (occupant, end) = absentees[index]
                if entries[occupant]?.endsAt == end { entries[occupant]?.endsAt = latest }
                absentees[index].endsAt = latest
            }
            absent[length] = absentees
        }
    }

    /// Takes out the occupants whose grace time is over.
    public mutating func takeGone(at now: UInt64) -> [Occupant] {
        var gone: [Occupant] = []
        for grace in Array(absent.keys) {
            while let first = absent[grace]?.first, first.endsAt <= now || (absent[grace]?.count ?? 0) > Self.maxAbsent
            {
                absent[grace]?.removeFirst()
                // It may have come back, and have gone again since.
                guard entries[first.occupant]?.endsAt == first.endsAt else { continue }
                entries[first.occupant] = nil
                gone.append(first.occupant)
            }
            if absent[grace]?.isEmpty == true { absent[grace] = nil }
        }
        return gone
    }
}
