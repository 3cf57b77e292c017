internal import Bytes
internal import Channels
internal import WSLoop
internal import WebSocket

extension Worker {
    /// Sets when a connection is looked at next, and for what; replaces the deadline before.
    func schedule(_ deadline: Connection.Deadline, _ connection: Connection, afterTicks ticks: UInt32) {
        let now = wheel.currentTick
        let due = now + 1 + ticks  // the current tick has begun already
        connection.deadline = deadline
        connection.deadlineTick = due
        // A later deadline leaves the wheel alone: the connection comes up at its old tick and is put in again.
        let wheelTick = connection.wheelTick
        guard wheelTick <= now || due < wheelTick else { return }
        connection.wheelTick = wheel.insert(connection.slot, at: due)
    }

    /// A slot came up in the wheel.
    func deadlineReached(_ slot: UInt32) {
        guard let connection = connections[Int(slot)], connection.wheelTick == wheel.currentTick else { return }
        guard connection.deadlineTick <= wheel.currentTick else {
            connection.wheelTick = wheel.insert(slot, at: connection.deadlineTick)
            return
        }
        if connection.phase == .webSocket, patienceTicks(connection) == 0 { return stalled(connection) }
        switch connection.deadline {
        case .request: requestTimedOut(connection)
        case .ping: pingIfSilent(connection)
        case .pong: checkPong(connection)
        case .close, .linger: closeUnlessBusy(connection)
        case .keepAlive: keepAliveEnded(connection)
        }
    }

    /// Whoever was heard from is alive; a silent connection is asked.
    private func pingIfSilent(_ connection: Connection) {
        let silentTicks = wheel.currentTick - connection.lastHeardTick
        guard silentTicks >= pingTicks else {
            let ticks = min(pingTicks - silentTicks, patienceTicks(connection) ?? .max)
            return schedule(.ping, connection, afterTicks: ticks)
        }
        let empty: [UInt8] = []
        hub.reply(connection.slot) { FrameEncoder.appendFrame(.ping, empty.rawSpan, to: &$0) }
        connection.isPingUnanswered = true
        schedule(.pong, connection, afterTicks: Worker.ticks(state.configuration.pongTimeout))
    }

    /// Anything that came since the ping counts as an answer, a pong or not.
    private func checkPong(_ connection: Connection) {
        guard connection.isPingUnanswered else { return pingIfSilent(connection) }
        connection.closeReason = .pingTimeout
        close(connection)
    }

    /// What waits has not moved for too long: a Close frame would only wait behind it.
    private func stalled(_ connection: Connection) {
        connection.closeReason = .stalled
        close(connection)
    }

    /// Whole ticks that are not shorter than `duration`, and one at least.
    static func ticks(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow else { return UInt32.max / 2 }
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        let total = UInt64(clamping: milliseconds.partialValue) + UInt64(clamping: rest)
        return UInt32(clamping: min(max((total + tickMilliseconds - 1) / tickMilliseconds, 1), UInt64(UInt32.max / 2)))
    }
}
