/// The bytes of input that the connections of one loop hold, for the inbound budget.
///
/// It contains only connections that hold something; an idle one has no entry.
struct InboundLedger {
    /// The order in which connections are closed: the largest first, and of equal ones the oldest.
    struct Holding: Equatable {
        let slot: UInt32
        var bytes: Int
        /// The sequence number of the holding.
        let number: UInt64

        static func isGivenUpBefore(_ left: Holding, _ right: Holding) -> Bool {
            left.bytes == right.bytes ? left.number < right.number : left.bytes > right.bytes
        }
    }

    private var holdings: [UInt32: Holding] = [:]
    private var lastNumber: UInt64 = 0
    /// The bytes of all connections together.
    private(set) var bytes = 0

    /// The number of connections that hold something.
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

    /// All connections that hold something, in the order in which they are closed.
    ///
    /// - Parameter others: bytes that connections hold elsewhere and that are not in the ledger.
    func largestFirst(adding others: [UInt32: Int] = [:]) -> [UInt32] {
        var all = holdings
        for (slot, bytes) in others where bytes > 0 {
            all[slot, default: Holding(slot: slot, bytes: 0, number: 0)].bytes += bytes
        }
        return all.values.sorted(by: Holding.isGivenUpBefore).map(\.slot)
    }
}

/// One loop's part of the budget that all loops share.
struct InboundBudget {
    let bytes: Int
    let loops: Int

    /// The number of bytes to reduce this loop to; nil if nothing needs to be freed.
    ///
    /// - Parameters:
    /// - held: the bytes that this loop holds.
    /// - total: the bytes that all loops hold.
    func target(held: Int, total: Int) -> Int? {
        let share = bytes / loops
        // A loop within its share closes no connection because of another loop.
        guard total > bytes, held > share else { return nil }
        // Somewhat below the limit, because finding the largest requires a walk over all, which must not happen for
        // each byte.
        let slack = bytes / 16
        return max(held - (total - bytes) - slack, share - slack, 0)
    }
}
