/// What the connections of one loop make it hold of what their peers have sent, for the inbound budget.
///
/// It knows only connections that hold something: an idle one has no entry.
struct InboundLedger {
    /// What is given up first when the budget is spent: who holds most, and of equals who has held it longest.
    struct Holding: Equatable {
        let slot: UInt32
        var bytes: Int
        /// Which holding of the ledger it is, counted from its beginning.
        let number: UInt64

        static func isGivenUpBefore(_ left: Holding, _ right: Holding) -> Bool {
            left.bytes == right.bytes ? left.number < right.number : left.bytes > right.bytes
        }
    }

    private var holdings: [UInt32: Holding] = [:]
    private var lastNumber: UInt64 = 0
    /// What all connections hold together.
    private(set) var bytes = 0

    /// How many connections hold something.
    var count: Int { holdings.count }

    /// Notes how much a connection holds now.
    mutating func set(_ held: Int, of slot: UInt32) {
        let before = holdings[slot]
        bytes += held - (before?.bytes ?? 0)
        guard held > 0 else {
            holdings[slot] = nil
            // A dictionary does not shrink by itself.
            if holdings.isEmpty { holdings = [:] }
            return
        }
        if before == nil { lastNumber += 1 }
        holdings[slot] = Holding(slot: slot, bytes: held, number: before?.number ?? lastNumber)
    }

    /// All that hold something, in the order in which they are given up.
    ///
    /// - Parameter others: what connections hold besides, and that is not in the ledger.
    func largestFirst(adding others: [UInt32: Int] = [:]) -> [UInt32] {
        var all = holdings
        for (slot, bytes) in others where bytes > 0 {
            all[slot, default: Holding(slot: slot, bytes: 0, number: 0)].bytes += bytes
        }
        return all.values.sorted(by: Holding.isGivenUpBefore).map(\.slot)
    }
}

/// How a loop compares with the budget that all loops share.
struct InboundBudget {
    let bytes: Int
    let loops: Int

    /// Down to how many bytes a loop gives connections up; nil if it need not.
    ///
    /// - Parameters:
    ///   - held: what this loop holds.
    ///   - total: what all loops hold.
    func target(held: Int, total: Int) -> Int? {
        let share = bytes / loops
        // A loop within its share gives nobody up for one that is not.
        guard total > bytes, held > share else { return nil }
        // Somewhat less than is allowed: to find the largest costs a walk, which must not be needed for each byte.
        let slack = bytes / 16
        return max(held - (total - bytes) - slack, share - slack, 0)
    }
}
