internal import Channels
internal import WSLoop
internal import WebSocket

// The step of a turn behind the flush: what the flush found out is acted on here, and clients go on that waited for it.
extension Worker {
    /// Acts on what the last flush found out.
    ///
    /// What that queues for clients is written by the next turn, which begins at once, after sockets that are ready by then
    /// have been served.
    func actOnHubEvents() {
        while let (slot, event) = hub.nextEvent() {
            guard let connection = connections[Int(slot)] else { continue }
            switch event {
            case .blocked: waitForRoom(connection)
            case .drained: drained(connection)
            case .lost(let reason): tell(.lost(reason), connection)
            }
        }
        if hub.hasMarked { post(.wakeUp, to: index) }
    }

    /// Bytes wait for the kernel: the socket reports when it takes more.
    func waitForRoom(_ connection: Connection) {
        setInterest(connection.interest.union(.writable), connection)
        tell(.blocked(unacknowledgedBytes: Socket.unacknowledgedBytes(connection.descriptor)), connection)
    }

    /// All that was queued for a connection has been written.
    func drained(_ connection: Connection) {
        // More may have been queued since; then this comes again.
        guard isAllSent(connection) else { return }
        setInterest(connection.interest.subtracting(.writable), connection)
        tell(.allSent, connection)
        if connection.pause.contains(.unreadAnswers) { resume(connection, from: .unreadAnswers) }
    }
}
