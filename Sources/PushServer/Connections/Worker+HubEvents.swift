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
            case .lost(let reason): lost(connection, reason)
            }
        }
        if hub.hasMarked { post(.wakeUp, to: index) }
    }

    private func waitForRoom(_ connection: Connection) {
        setInterest(connection.interest.union(.writable), connection)
        watchForStall(connection)
    }

    /// All that was queued for a connection has been written.
    func drained(_ connection: Connection) {
        // More may have been queued since; then this comes again.
        guard isAllSent(connection) else { return }
        setInterest(connection.interest.subtracting(.writable), connection)
        if connection.phase == .closing {
            if connection.closeIsComplete { lingerAfterLastByte(connection) }
        } else if connection.pause.contains(.unreadAnswers) {
            resume(connection, from: .unreadAnswers)
        }
    }

    private func lost(_ connection: Connection, _ reason: LossReason) {
        // Answers were dropped: what came behind them would be taken for them.
        guard connection.phase == .webSocket else { return close(connection) }
        switch reason {
        case .overflow: fail(connection, .tryAgainLater, "too slow", .slowConsumer)
        case .overBudget(midFrame: false): fail(connection, .tryAgainLater, "server over budget", .overBudget)
        case .overBudget(midFrame: true): abort(connection, .overBudget)
        case .failed: close(connection)
        }
    }

    private func abort(_ connection: Connection, _ reason: CloseReason) {
        connection.closeReason = reason
        close(connection)
    }
}
