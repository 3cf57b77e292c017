internal import Access
internal import WSLoop
internal import WebSocket

// Limits on what one client may do to the others.
extension Worker {
    /// Gives back what a connection that ends has taken of the limits.
    func releaseLimits(_ connection: Connection) {
        if let ticket = tickets.removeValue(forKey: connection.slot) { state.admission.release(ticket) }
        forgetRate(of: connection)
        if let address = countedAddresses.removeValue(forKey: connection.slot) { state.sockets.remove(address) }
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
        guard state.sockets.add(group) > limit.value, isStopped(by: .addressSockets) else { return true }
        state.sockets.remove(group)
        return false
    }

    /// A connection's client has taken something: each time it is blocked, the kernel had room before.
    private func noteProgress(_ connection: Connection) {
        connection.progressTick = wheel.currentTick
        connection.unacknowledgedBytes = Socket.unacknowledgedBytes(connection.descriptor)
    }

    /// Looks at a blocked connection before it has taken nothing for too long.
    func watchForStall(_ connection: Connection) {
        noteProgress(connection)
        guard connection.phase == .webSocket, connection.deadline == .ping,
            connection.deadlineTick > wheel.currentTick + stallTicks
        else { return }
        schedule(.ping, connection, afterTicks: stallTicks)
    }

    /// For how many ticks a blocked connection may still take nothing; nil if it is not blocked.
    func patienceTicks(_ connection: Connection) -> UInt32? {
        guard connection.interest.contains(.writable) else { return nil }
        // Before the kernel has room again a slow client may have taken much of what the kernel holds.
        if wheel.currentTick - connection.progressTick >= stallTicks,
            Socket.unacknowledgedBytes(connection.descriptor) < connection.unacknowledgedBytes
        {
            noteProgress(connection)
        }
        let still = wheel.currentTick - connection.progressTick
        return still < stallTicks ? stallTicks - still : 0
    }
}
