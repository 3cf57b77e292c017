internal import Access
internal import Synchronization

/// Counts the open sockets of each address, whatever they speak; shared by all workers.
final class SocketCensus: Sendable {
    private let counts = Mutex<[AddressGroup: Int]>([:])

    /// Counts one more; returns how many that makes.
    func add(_ address: AddressGroup) -> Int {
        counts.withLock { counts in
            counts[address, default: 0] += 1
            return counts[address] ?? 0
        }
    }

    /// One was closed.
    func remove(_ address: AddressGroup) {
        counts.withLock { $0.countDown(address) }
    }
}
