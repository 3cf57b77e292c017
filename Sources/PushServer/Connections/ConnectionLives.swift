internal import Channels
internal import WSLoop

/// Passes events to the lives of a loop's connections, and handles their deadlines.
final class ConnectionLives {
    private let context: LoopContext
    private let table: ConnectionTable
    let timeouts: Timeouts

    init(_ context: LoopContext, _ table: ConnectionTable) {
        self.context = context
        self.table = table
        timeouts = Timeouts(context.state.configuration)
    }

    /// Passes an event to a connection's life.
    ///
    /// - Returns: the action to perform.
    @discardableResult
    func tell(_ input: ConnectionLife.Input, _ connection: Connection) -> ConnectionLife.Action {
        let action = connection.life.handle(input, at: context.tick, timeouts)
        follow(connection)
        return action
    }

    /// The peer has sent something, or has read something that was queued.
    func heard(_ connection: Connection) {
        _ = connection.life.handle(.heard, at: context.tick, timeouts)
    }

    /// No bytes wait for the kernel; this moves no deadline.
    func allSent(_ connection: Connection) -> ConnectionLife.Action {
        connection.life.handle(.allSent, at: context.tick, timeouts)
    }

    /// Bytes wait for the kernel: the socket reports when it takes more.
    func waitForRoom(_ connection: Connection) {
        table.setInterest(connection.interest.union(.writable), connection)
        tell(.blocked(unacknowledgedBytes: Socket.unacknowledgedBytes(connection.descriptor)), connection)
    }

    /// Makes sure that the wheel returns a connection in time for its deadline.
    ///
    /// A later deadline does not change the wheel: it returns the connection at the old tick, and `advance` inserts it
    /// again.
    func follow(_ connection: Connection) {
        let (due, wheelTick) = (dueTick(connection), connection.wheelTick)
        guard connection.phase != .closed, wheelTick <= context.tick || due < wheelTick else { return }
        connection.wheelTick = context.wheel.insert(connection.slot, at: due)
    }

    /// Moves on by one tick.
    ///
    /// - Parameter act: performs the actions of the lives whose deadline has passed.
    func advance(_ act: (ConnectionLife.Action, Connection) -> Void) {
        for slot in context.wheel.advance() {
            guard let connection = table[slot], connection.wheelTick == context.tick else { continue }
            if let action = expiryAction(connection) { act(action, connection) }
            // The deadline may have moved since the connection was put in.
            guard connection.life.deadlineTick <= context.tick else {
                follow(connection)
                continue
            }
            act(tell(.deadline(circumstances(connection)), connection), connection)
        }
    }

    /// When there is something to do about a connection: at its deadline, or about the end of its token.
    private func dueTick(_ connection: Connection) -> UInt32 {
        let deadline = connection.life.deadlineTick
        guard let expiry = TokenExpiry(of: connection) else { return deadline }
        return min(deadline, context.tick + expiry.ticksUntilDue)
    }

    private func expiryAction(_ connection: Connection) -> ConnectionLife.Action? {
        guard let expiry = TokenExpiry(of: connection), expiry.isDue else { return nil }
        guard expiry.secondsLeft > 0 else { return .sendClose(.tokenExpired) }
        connection.isToldOfExpiry = true
        return .announceExpiry(seconds: Int(expiry.secondsLeft.rounded(.up)))
    }

    private func circumstances(_ connection: Connection) -> ConnectionLife.Circumstances {
        ConnectionLife.Circumstances(
            awaitsAnswer: connection.continuation != nil,
            hasPartialRequest: connection.requests?.isIdle == false,
            unacknowledgedBytes: connection.life.watchesKernel
                ? Socket.unacknowledgedBytes(connection.descriptor) : 0)
    }
}
