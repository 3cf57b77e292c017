internal import Channels
internal import WSLoop
internal import WebSocket

/// Where connections report that they end, so that nothing is done or delivered for them any more.
protocol EndingDelegate: AnyObject {
    /// Gives up the connection's continuation.
    func abandonContinuation(_ connection: Connection)
    /// Ends all its subscriptions.
    func releaseAll(_ connection: Connection)
}

/// Ends connections: what is queued is sent, then our direction is shut down, then what the peer still sends is read
/// and dropped.
///
/// Each step waits for the peer while it makes progress, and for a limited time in all (`ConnectionLife`).
final class Closing {
    private let context: LoopContext
    private let table: ConnectionTable
    private let lives: ConnectionLives
    private let links: SecureLinks
    private let inbound: InboundAccount
    private let limits: ConnectionLimits
    private let addresses: ClientAddresses
    private let users: Users
    private let sessions: Sessions
    private let rates: MessageRates
    // Unchecked (docs/decisions/0009): read for each request or message.
    @safe @exclusivity(unchecked) private unowned var delegate: (any EndingDelegate)?

    init(
        _ context: LoopContext, _ table: ConnectionTable, _ lives: ConnectionLives, _ links: SecureLinks,
        _ inbound: InboundAccount, _ limits: ConnectionLimits, _ addresses: ClientAddresses, _ users: Users,
        _ sessions: Sessions, _ rates: MessageRates
    ) {
        self.context = context
        self.table = table
        self.lives = lives
        self.links = links
        self.inbound = inbound
        self.limits = limits
        self.addresses = addresses
        self.users = users
        self.sessions = sessions
        self.rates = rates
    }

    /// Sets where ends are reported, which must outlive this object's use.
    func attach(_ delegate: any EndingDelegate) {
        self.delegate = delegate
    }

    /// Sends the queue, then ends the connection.
    ///
    /// - Parameter awaitsClose: whether the peer's Close frame is expected, and not only the end of its stream.
    func begin(_ connection: Connection, _ reason: CloseReason? = nil, awaitsClose: Bool = false) {
        connection.dropRequests()
        connection.pause = []
        connection.unread = []
        connection.machine?.discardMessage()
        inbound.update(connection)
        perform(
            lives.tell(.end(reason, awaitsClose: awaitsClose, isAllSent: isAllSent(connection)), connection),
            connection)
    }

    /// Gives up a connection's continuation and its subscriptions: nothing more is done for it.
    func leave(_ connection: Connection) {
        context.tracer?.noteEnding(connection)
        delegate?.abandonContinuation(connection)
        delegate?.releaseAll(connection)
    }

    /// The peer's Close frame, or what makes it impossible, has come in answer to ours.
    func closeAnswered(_ connection: Connection) {
        perform(lives.tell(.closeAnswered(isAllSent: isAllSent(connection)), connection), connection)
    }

    /// The peer sends nothing more.
    func peerFinished(_ connection: Connection) {
        perform(lives.tell(.peerFinished(isAllSent: isAllSent(connection)), connection), connection)
    }

    /// All that was queued has been written; more may have been queued since, and then this comes again.
    ///
    /// - Returns: whether nothing waits for the kernel.
    func drained(_ connection: Connection) -> Bool {
        guard isAllSent(connection) else { return false }
        table.setInterest(connection.interest.subtracting(.writable), connection)
        // Nearly always there is nothing to do, and this runs for each write of an outbox.
        let action = lives.allSent(connection)
        if action != .none { perform(action, connection) }
        return true
    }

    /// Whether nothing waits for the kernel, plain or encrypted.
    func isAllSent(_ connection: Connection) -> Bool { queuedBytes(of: connection) == 0 }

    /// The bytes that wait for the kernel, plain or encrypted.
    func queuedBytes(of connection: Connection) -> Int {
        context.hub.queuedBytes(of: connection.slot) + links.unsentBytes(of: connection.descriptor)
    }

    /// Performs an action of a connection's life that belongs to its end.
    func perform(_ action: ConnectionLife.Action, _ connection: Connection) {
        switch action {
        case .endBehindQueue:
            delegate?.releaseAll(connection)
            table.setInterest(connection.interest.subtracting(.readable), connection)
            begin(connection)
        case .endOutput: endOutput(connection)
        case .shutdownWrites:
            Socket.shutdownWrites(connection.descriptor)
            table.setInterest(.readable, connection)
        case .close: close(connection)
        case .none, .ping, .comment, .answerRequestTimeout, .refuseProxy, .announceExpiry, .sendClose: break
        }
    }

    /// Everything is sent: ends the TLS session, if there is one, and then the socket's direction.
    private func endOutput(_ connection: Connection) {
        var isAllSent = true
        if let secure = links.stream(connection.descriptor) {
            secure.session.closeNotify()
            guard links.sendOutput(of: secure) else { return close(connection) }
            isAllSent = secure.unsentBytes == 0
        }
        perform(lives.tell(.outputEnded(isAllSent: isAllSent), connection), connection)
    }

    /// Closes a connection at once and forgets it.
    func close(_ connection: Connection) {
        guard connection.phase != .closed else { return }
        context.tracer?.noteEnding(connection)
        let delegate = delegate
        delegate?.abandonContinuation(connection)
        limits.release(connection)
        addresses.forget(connection)
        rates.forget(connection)
        lives.tell(.closed, connection)
        table.remove(connection)
        delegate?.releaseAll(connection)
        links.end(connection)
        context.hub.remove(connection.slot)
        Socket.close(connection.descriptor)
        if connection.isClient { clientEnded(connection) }
        users.forget(connection)
        sessions.forget(connection)
        inbound.update(connection)
        context.state.boards.countStream(-1, on: context.index)
    }

    private func clientEnded(_ connection: Connection) {
        if connection.machine?.keepsDeflateContext == true { context.state.places.releaseDeflateContext() }
        if connection.machine != nil { context.counters.webSockets -= 1 } else { context.counters.streams -= 1 }
        context.counters.closed[connection.life.closeReason.rawValue] += 1
        context.state.places.release()
        context.events?.disconnected(connection)
        context.tracer?.noteClosed(connection)
    }
}
