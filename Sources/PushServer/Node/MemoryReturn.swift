/// When freed memory is worth giving back to the system: after what was held for clients has become much less.
struct MemoryReturn {
    /// To give memory back costs some milliseconds, during which the loop stands still.
    static let worthwhileBytes = 4 << 20

    /// From this size on memory goes back by itself.
    ///
    /// A body grows by doubling: with glibc's own 128 KiB, 1,500 of them left half of the budget in small freed blocks.
    static let mappedBytes = 32 << 10

    private var peakBytes = 0

    /// Notes how much is held now.
    ///
    /// - Parameters:
    ///   - latestPeakBytes: the most that was held since the last call.
    ///   - mayReturn: false if that would be too soon after the last time.
    /// - Returns: whether freed memory is to be given back now.
    mutating func isDue(heldBytes: Int, peakBytes latestPeakBytes: Int, mayReturn: Bool) -> Bool {
        peakBytes = max(peakBytes, latestPeakBytes, heldBytes)
        guard mayReturn, peakBytes - heldBytes >= MemoryReturn.worthwhileBytes else { return false }
        peakBytes = heldBytes
        return true
    }
}
