internal import Bytes
internal import Channels
internal import WSLoop
internal import WebSocket

extension Worker {
    /// Sets when a connection is looked at next, and for what; replaces the deadline before.
    func schedule(_ deadline: Connection.Deadline, _ connection: Connection, after delay: Duration) {
        connection.deadline = deadline
        connection.deadlineTick = wheel.currentTick + 1 + Worker.ticks(delay)  // the current tick has begun already
        // A later deadline leaves the wheel alone: the connection comes up at its old tick and is put in again.
        guard connection.wheelTick <= wheel.currentTick || connection.deadlineTick < connection.wheelTick else {
            return
        }
        connection.wheelTick = wheel.insert(connection.slot, at: connection.deadlineTick)
    }

    /// A slot came up in the wheel.
    func deadlineReached(_ slot: UInt32) {
        guard let connection = connections[Int(slot)], connection.wheelTick == wheel.currentTick else { return }
        guard connection.deadlineTick <= wheel.currentTick else {
            connection.wheelTick = wheel.insert(slot, at: connection.deadlineTick)
            return
        }
        switch connection.deadline {
        case .request: requestTimedOut(connection)
        case .ping: pingIfSilent(connection)
        case .pong: checkPong(connection)
        case .close, .linger: closeUnlessBusy(connection)
        case .keepAlive: close(connection)
        }
    }

    /// Whoever was heard from is alive; a silent connection is asked.
    private func pingIfSilent(_ connection: Connection) {
        let interval = state.configuration.pingInterval
        let silentTicks = wheel.currentTick - connection.lastHeardTick
        guard silentTicks >= Worker.ticks(interval) else {
            let rest = Worker.ticks(interval) - silentTicks
            schedule(.ping, connection, after: .milliseconds(Int64(rest) * Int64(Worker.tickMilliseconds)))
            return
        }
        let empty: [UInt8] = []
        hub.reply(connection.slot) { FrameEncoder.appendFrame(.ping, empty.rawSpan, to: &$0) }
        connection.isPingUnanswered = true
        schedule(.pong, connection, after: state.configuration.pongTimeout)
    }

    /// Anything that came since the ping counts as an answer, a pong or not.
    private func checkPong(_ connection: Connection) {
        guard connection.isPingUnanswered else { return pingIfSilent(connection) }
        connection.closeReason = .pingTimeout
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
