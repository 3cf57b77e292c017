internal import WSLoop

// When descriptors run short, HTTP connections that wait for a next request make room for clients that want something.
extension Worker {
    /// How many connections are looked at each time, and how many of them are closed at most.
    private static let idleSearch = (connections: 4096, closes: 128)
    /// Who has just connected, or asked, is not idle yet.
    private static let idleTicks = DeadlineWheel.ticks(.seconds(1))

    /// Closes some idle HTTP connections, going on where the last search ended.
    func closeIdle() {
        var closes = 0
        for _ in 0..<min(connections.count, Worker.idleSearch.connections) where closes < Worker.idleSearch.closes {
            idleHand = idleHand + 1 < connections.count ? idleHand + 1 : 0
            guard let connection = connections[idleHand], isIdle(connection) else { continue }
            counters.idleClosed += 1
            closes += 1
            close(connection)
        }
    }

    private func isIdle(_ connection: Connection) -> Bool {
        connection.phase == .http && connection.requests?.isIdle == true && !connection.isPaused
            && connection.pending == nil && isAllSent(connection)
            && connection.life.silentTicks(at: wheel.currentTick) >= Worker.idleTicks
    }
}
