/// Counts the open sockets of each address, whatever they speak.
public struct SocketCensus: Sendable {
    private var counts: [AddressGroup: Int] = [:]

    /// No socket is open.
    public init() {}

    /// Counts one more; returns how many the address has with it.
    public mutating func add(_ address: AddressGroup) -> Int {
        counts[address, default: 0] += 1
        return counts[address] ?? 0
    }

    /// Counts one less.
    public mutating func remove(_ address: AddressGroup) {
        counts.countDown(address)
    }
}
