/// Counts the open sockets per address, of any protocol.
public struct SocketCensus: Sendable {
    private var counts: [AddressGroup: Int] = [:]

    /// No socket is open.
    public init() {}

    /// Counts one more and returns the address's new count.
    public mutating func add(_ address: AddressGroup) -> Int {
        counts[address, default: 0] += 1
        return counts[address] ?? 0
    }

    /// Counts one less.
    public mutating func remove(_ address: AddressGroup) {
        counts.countDown(address)
    }
}
