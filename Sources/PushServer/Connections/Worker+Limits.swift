internal import Access
internal import Synchronization
internal import WSLoop
internal import WebSocket

// Limits on what one client may do to the others.
extension Worker {
    /// Gives back what a connection that ends has taken of the limits.
    func releaseLimits(_ connection: Connection) {
        if let ticket = tickets.removeValue(forKey: connection.slot) {
            state.admission.withLock { $0.release(ticket) }
        }
        forgetRate(of: connection)
        if let address = countedAddresses.removeValue(forKey: connection.slot) {
            state.sockets.withLock { $0.remove(address) }
        }
        if connection.peer.contains(.proxied) { proxiedAddresses[connection.slot] = nil }
    }

    /// What a socket counts as for `--max-sockets-per-address`; nil if it does not count.
    ///
    /// An administrator must get in even if an address is full, and a trusted proxy connects for many clients.
    func countedAddress(_ address: @autoclosure () -> IPAddress?, _ peer: Peer) -> AddressGroup? {
        guard state.configuration.maxSocketsOfAddress != nil, peer.isDisjoint(with: [.admin, .trustedProxy]) else {
            return nil
        }
        return address()?.group
    }

    /// Counts a socket; false if its address has one too many.
    func admitsSocket(from address: @autoclosure () -> IPAddress?, _ peer: Peer) -> Bool {
        guard let group = countedAddress(address(), peer), let limit = state.configuration.maxSocketsOfAddress else {
            return true
        }
        guard state.sockets.withLock({ $0.add(group) }) > limit.value, isStopped(by: .addressSockets) else {
            return true
        }
        state.sockets.withLock { $0.remove(group) }
        return false
    }
}
