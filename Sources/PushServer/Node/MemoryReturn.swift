/// Decides when to return freed memory to the system: after the memory held for clients has dropped a lot.
struct MemoryReturn {
    /// The least that is worth it: returning memory blocks the loop for some milliseconds.
    static let worthwhileBytes = 4 << 20

    /// Blocks of at least this size are returned automatically.
    ///
    /// A body grows by doubling: with glibc's default of 128 KiB, 1,500 bodies left half of the budget in small freed
    /// blocks.
    static let mappedBytes = 32 << 10

    private var peakBytes = 0

    /// Notes how much is held now.
    ///
    /// - Parameters:
    ///   - latestPeakBytes: the most that was held since the last call.
    ///   - mayReturn: false if that would be too soon after the last time.
    /// - Returns: whether to return freed memory now.
    mutating func isDue(heldBytes: Int, peakBytes latestPeakBytes: Int, mayReturn: Bool) -> Bool {
        peakBytes = max(peakBytes, latestPeakBytes, heldBytes)
        guard mayReturn, peakBytes - heldBytes >= MemoryReturn.worthwhileBytes else { return false }
        peakBytes = heldBytes
        return true
    }
}
