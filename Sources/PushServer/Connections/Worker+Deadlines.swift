internal import Bytes
internal import Channels
internal import HTTP
internal import WSLoop
internal import WebSocket

// What happens is told to the connection's life, which decides what is done about it.
extension Worker {
    /// Tells a connection's life what has happened, and does what it decides.
    func tell(_ input: ConnectionLife.Input, _ connection: Connection) {
        let action = connection.life.handle(input, at: wheel.currentTick, timeouts)
        followDeadline(connection)
        perform(action, connection)
    }

    /// The peer has sent something, or has taken something that waited for it.
    func heard(_ connection: Connection) {
        _ = connection.life.handle(.heard, at: wheel.currentTick, timeouts)
    }

    /// Sees to it that the connection comes up in the wheel in time for its deadline.
    ///
    /// A later deadline leaves the wheel alone: the connection comes up at its old tick and is put in again.
    func followDeadline(_ connection: Connection) {
        let (due, wheelTick) = (connection.life.deadlineTick, connection.wheelTick)
        guard connection.phase != .closed, wheelTick <= wheel.currentTick || due < wheelTick else { return }
        connection.wheelTick = wheel.insert(connection.slot, at: due)
    }

    /// A slot came up in the wheel.
    func deadlineReached(_ slot: UInt32) {
        guard let connection = connections[Int(slot)], connection.wheelTick == wheel.currentTick else { return }
        guard connection.life.deadlineTick <= wheel.currentTick else { return followDeadline(connection) }
        tell(.deadline(circumstances(connection)), connection)
    }

    private func circumstances(_ connection: Connection) -> ConnectionLife.Circumstances {
        ConnectionLife.Circumstances(
            awaitsAnswer: connection.pending != nil,
            hasPartialRequest: connection.requests?.isIdle == false,
            unacknowledgedBytes: connection.life.watchesKernel
                ? Socket.unacknowledgedBytes(connection.descriptor) : 0)
    }

    private func perform(_ action: ConnectionLife.Action, _ connection: Connection) {
        switch action {
        case .none: break
        case .ping: ping(connection)
        case .answerRequestTimeout:
            connection.endsAfterResponse = true
            respond(.error(.requestTimeout, "the request did not arrive in time"), to: connection)
        case .refuseProxy: proxyHeaderTimedOut(connection)
        case .sendClose(let reason):
            fail(connection, .tryAgainLater, reason == .slowConsumer ? "too slow" : "server over budget", reason)
        case .endBehindQueue: endBehindQueue(connection)
        case .endOutput: endOutput(connection)
        case .shutdownWrites:
            Socket.shutdownWrites(connection.descriptor)
            setInterest(.readable, connection)
        case .close: close(connection)
        }
    }

    private func ping(_ connection: Connection) {
        let empty: [UInt8] = []
        hub.reply(connection.slot) { FrameEncoder.appendFrame(.ping, empty.rawSpan, to: &$0) }
    }
}
