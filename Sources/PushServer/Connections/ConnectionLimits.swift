internal import Access
internal import Synchronization
internal import WSLoop

/// What the connections of a loop have taken of the limits on one address or user, given back when they end.
final class ConnectionLimits {
    private let context: LoopContext
    // By slot, and only where there are limits.
    private var tickets: [UInt32: Admission.Ticket] = [:]
    private var countedAddresses: [UInt32: AddressGroup] = [:]

    init(_ context: LoopContext) {
        self.context = context
    }

    /// Counts a socket; false if its address has one too many.
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

    /// Notes what a WebSocket has taken of the limits on opening.
    func note(_ ticket: Admission.Ticket, of connection: Connection) {
        tickets[connection.slot] = ticket
    }

    /// Gives back what a connection has taken.
    func release(_ connection: Connection) {
        if let ticket = tickets.removeValue(forKey: connection.slot) {
            context.state.admission.withLock { $0.release(ticket) }
        }
        if let address = countedAddresses.removeValue(forKey: connection.slot) {
            context.state.sockets.withLock { $0.remove(address) }
        }
    }

    /// What a socket counts as for `--max-sockets-per-address`; nil if it does not count.
    ///
    /// An administrator must get in even if an address is full, and a trusted proxy connects for many clients.
    private func countedAddress(_ address: @autoclosure () -> IPAddress?, _ peer: Peer) -> AddressGroup? {
        guard context.state.configuration.maxSocketsOfAddress != nil,
            peer.isDisjoint(with: [.admin, .trustedProxy])
        else { return nil }
        return address()?.group
    }
}
