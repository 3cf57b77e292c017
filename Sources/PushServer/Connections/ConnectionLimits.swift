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

    /// Counts a socket where there is a limit.
    ///
    /// - Returns: its peer, with whether it was counted; nil if its address has too many.
    func admitted(_ peer: Peer, from address: @autoclosure () -> IPAddress?) -> Peer? {
        guard let group = countedAddress(address(), peer),
            let limit = context.settings.configuration.maxSocketsOfAddress
        else { return peer }
        guard context.state.sockets.withLock({ $0.add(group) }) > limit.value, context.isStopped(by: .addressSockets)
        else { return peer.union(.counted) }
        context.state.sockets.withLock { $0.remove(group) }
        return nil
    }

    /// Notes which address a connection's socket was counted for, so that its end is counted as well.
    func noteSocket(of connection: Connection, from address: @autoclosure () -> IPAddress?) {
        if connection.peer.contains(.counted) { countedAddresses[connection.slot] = address()?.group }
    }

    /// Counts a connection in limits that a reload has set since it came; no limit is enforced for it.
    ///
    /// - Parameter user: nil if the client named none.
    func countAfterReload(
        _ connection: Connection, from address: @autoclosure () -> IPAddress?,
        client: @autoclosure () -> IPAddress?, user: @autoclosure () -> String?
    ) {
        if !connection.peer.contains(.counted), let group = countedAddress(address(), connection.peer) {
            _ = context.state.sockets.withLock { $0.add(group) }
            connection.peer.insert(.counted)
            countedAddresses[connection.slot] = group
        }
        guard connection.isOpenClient, tickets[connection.slot] == nil,
            !context.settings.configuration.admission.isEmpty
        else { return }
        let ticket = Admission.Ticket(address: client()?.group, user: user())
        context.state.admission.withLock { $0.add(ticket) }
        tickets[connection.slot] = ticket
    }

    /// Notes a client's counts in the limits on opening.
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
        guard context.settings.configuration.maxSocketsOfAddress != nil,
            peer.isDisjoint(with: [.admin, .trustedProxy])
        else { return nil }
        return address()?.group
    }
}
