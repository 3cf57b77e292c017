internal import Access
internal import Synchronization
internal import WSLoop

/// The counts of a loop's connections in the limits per address and user, given back when they end.
final class ConnectionLimits {
    private let context: LoopContext
    // By slot, and only where there are limits.
    private var tickets: [UInt32: Admission.Ticket] = [:]
    private var countedAddresses: [UInt32: AddressGroup] = [:]

    init(_ context: LoopContext) {
        self.context = context
    }

    /// Counts a socket; returns false if its address has too many.
    func admitsSocket(from address: @autoclosure () -> IPAddress?, _ peer: Peer) -> Bool {
        guard let group = countedAddress(address(), peer),
            let limit = context.state.configuration.maxSocketsOfAddress
        else { return true }
        guard context.state.sockets.withLock({ $0.add(group) }) > limit.value, context.isStopped(by: .addressSockets)
        else {
            return true
        }
        context.state.sockets.withLock { $0.remove(group) }
        return false
    }

    /// Notes that a connection's socket was counted, so that its end is counted as well.
    func noteSocket(of connection: Connection, from address: @autoclosure () -> IPAddress?) {
        countedAddresses[connection.slot] = countedAddress(address(), connection.peer)
    }

    /// Notes a WebSocket's counts in the limits on opening.
    func note(_ ticket: Admission.Ticket, of connection: Connection) {
        tickets[connection.slot] = ticket
    }

    /// Gives back a connection's counts.
    func release(_ connection: Connection) {
        if let ticket = tickets.removeValue(forKey: connection.slot) {
            context.state.admission.withLock { $0.release(ticket) }
        }
        if let address = countedAddresses.removeValue(forKey: connection.slot) {
            context.state.sockets.withLock { $0.remove(address) }
        }
    }

    /// The address group that a socket counts for in `--max-sockets-per-address`; nil if it does not count.
    ///
    /// Administrators must be able to connect even if an address is full, and a trusted proxy connects for many
    /// clients.
    private func countedAddress(_ address: @autoclosure () -> IPAddress?, _ peer: Peer) -> AddressGroup? {
        guard context.state.configuration.maxSocketsOfAddress != nil,
            peer.isDisjoint(with: [.admin, .trustedProxy])
        else { return nil }
        return address()?.group
    }
}
