internal import Channels
internal import WSLoop
internal import WebSocket

// How a connection ends: what is queued is sent, then our direction is shut down, then what the peer still sends is read
// and dropped. Each step waits for the peer while it makes progress, and for a limited time in all.
extension Worker {
    /// How long a closing peer may stand still before it is given up: with unread bytes, or without its Close frame.
    private static let closeTimeout = Duration.seconds(5)
    /// How long a peer may be silent that has been sent everything.
    private static let lingerTimeout = Duration.seconds(1)
    /// How long each of both may take in all.
    private static let patience = Duration.seconds(10)

    /// Sends what is queued, then ends the connection.
    ///
    /// - Parameter isComplete: nothing is waited for from the peer but the end of its stream.
    func beginClosing(_ connection: Connection, isComplete: Bool) {
        connection.phase = .closing
        connection.closeIsComplete = connection.closeIsComplete || isComplete
        connection.requests = nil
        connection.pause = []
        connection.unread = []
        connection.machine?.discardMessage()
        updateHeld(connection)
        if isAllSent(connection), connection.closeIsComplete {
            lingerAfterLastByte(connection)
        } else {
            wait(for: connection, .close, Worker.closeTimeout)
        }
    }

    /// Everything is sent: end our direction and wait a moment for the peer's, since closing a socket with unread
    /// input resets the connection, and the peer might lose what was sent last.
    func lingerAfterLastByte(_ connection: Connection) {
        if let secure = secureStream(connection.descriptor) {
            secure.session.closeNotify()
            sendOutput(of: secure, connection)
            guard connection.phase != .closed else { return }
            // Without room for it in the kernel we are back once there is.
            guard secure.unsentBytes == 0 else { return wait(for: connection, .close, Worker.closeTimeout) }
        }
        guard !connection.peerEnded else { return close(connection) }
        Socket.shutdownWrites(connection.descriptor)
        setInterest(.readable, connection)
        wait(for: connection, .linger, Worker.lingerTimeout)
    }

    /// A deadline has come: whoever reads what is queued for it, or is still sending and has yet to see that we close, gets
    /// more time; so does one that the kernel still holds our last bytes for.
    func closeUnlessBusy(_ connection: Connection) {
        let isLingering = connection.deadline == .linger
        let timeout = isLingering ? Worker.lingerTimeout : Worker.closeTimeout
        let isBusy =
            wheel.currentTick - connection.lastHeardTick < Worker.ticks(timeout)
            || (isLingering && Socket.unacknowledgedBytes(connection.descriptor) > 0)
        guard isBusy, wheel.currentTick < connection.patienceEndTick else { return close(connection) }
        schedule(connection.deadline, connection, afterTicks: Worker.ticks(timeout))
    }

    /// Whether nothing waits for the kernel, plain or encrypted.
    func isAllSent(_ connection: Connection) -> Bool {
        hub.queuedBytes(of: connection.slot) == 0 && unsentBytes(of: connection.descriptor) == 0
    }

    private func wait(for connection: Connection, _ deadline: Connection.Deadline, _ timeout: Duration) {
        connection.patienceEndTick = wheel.currentTick + Worker.ticks(Worker.patience)
        schedule(deadline, connection, afterTicks: Worker.ticks(timeout))
    }

    /// Ends a connection at once and forgets it.
    func close(_ connection: Connection) {
        guard connection.phase != .closed else { return }
        let wasWebSocket = connection.machine != nil
        if connection.machine?.keepsDeflateContext == true { state.releaseDeflateContext() }
        abandonPending(connection)
        releaseLimits(connection)
        connection.phase = .closed
        connections[Int(connection.slot)] = nil
        releaseAll(connection)
        streams?.remove(connection.descriptor)
        endSecure(connection)
        hub.remove(connection.slot)
        Socket.close(connection.descriptor)
        if wasWebSocket { webSocketEnded(connection) }
        updateHeld(connection)
        state.countStream(-1, on: index)
        drainProgressed()
    }
}
