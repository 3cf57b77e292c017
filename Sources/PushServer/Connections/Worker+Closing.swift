internal import Channels
internal import WSLoop
internal import WebSocket

// How a connection ends: what is queued is sent, then our direction is shut down, then what the peer still sends is read
// and dropped. Each step waits for the peer while it makes progress, and for a limited time in all (`ConnectionLife`).
extension Worker {
    /// Sends what is queued, then ends the connection.
    ///
    /// - Parameter awaitsClose: the peer's Close frame is waited for, and not only the end of its stream.
    func beginClosing(_ connection: Connection, _ reason: CloseReason? = nil, awaitsClose: Bool = false) {
        connection.requests = nil
        connection.pause = []
        connection.unread = []
        connection.machine?.discardMessage()
        updateHeld(connection)
        tell(.end(reason, awaitsClose: awaitsClose, isAllSent: isAllSent(connection)), connection)
    }

    /// The peer sends nothing more; what is queued for it is still sent.
    func endBehindQueue(_ connection: Connection) {
        releaseAll(connection)
        setInterest(connection.interest.subtracting(.readable), connection)
        beginClosing(connection)
    }

    /// Everything is sent: a TLS session says that it ends before the socket's direction does.
    func endOutput(_ connection: Connection) {
        var isAllSent = true
        if let secure = secureStream(connection.descriptor) {
            secure.session.closeNotify()
            sendOutput(of: secure, connection)
            isAllSent = secure.unsentBytes == 0
        }
        tell(.outputEnded(isAllSent: isAllSent), connection)
    }

    /// Whether nothing waits for the kernel, plain or encrypted.
    func isAllSent(_ connection: Connection) -> Bool {
        hub.queuedBytes(of: connection.slot) == 0 && unsentBytes(of: connection.descriptor) == 0
    }

    /// Ends a connection at once and forgets it.
    func close(_ connection: Connection) {
        guard connection.phase != .closed else { return }
        let wasWebSocket = connection.machine != nil
        if connection.machine?.keepsDeflateContext == true { state.places.releaseDeflateContext() }
        abandonPending(connection)
        releaseLimits(connection)
        _ = connection.life.handle(.closed, at: wheel.currentTick, timeouts)
        connections[Int(connection.slot)] = nil
        releaseAll(connection)
        streams?.remove(connection.descriptor)
        endSecure(connection)
        hub.remove(connection.slot)
        Socket.close(connection.descriptor)
        if wasWebSocket { webSocketEnded(connection) }
        updateHeld(connection)
        state.boards.countStream(-1, on: index)
        drainProgressed()
    }
}
