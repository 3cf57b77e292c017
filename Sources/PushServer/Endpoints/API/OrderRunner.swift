internal import Access
internal import Channels
internal import Logging
internal import Protocols
internal import WSLoop

/// Carries out orders for the connections of a loop.
struct OrderRunner {
    private let context: LoopContext
    private let users: Users
    private let webSockets: WebSocketExchange
    private let subscriptions: Subscriptions

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner) {
        self.context = context
        users = connections.users
        webSockets = connections.webSockets
        subscriptions = commands.subscriptions
    }

    /// The slots of the connections that may be concerned.
    func slots(of order: Order) -> [UInt32] {
        if let user = order.user { return users.slots(of: user) }
        guard let id = order.connection, id.node == context.state.nodeID, id.loop == context.index else { return [] }
        return [id.key.slot]
    }

    /// Carries out an order for an open client.
    ///
    /// - Returns: whether it concerned the connection.
    func carryOut(_ order: Order, for connection: Connection) -> Bool {
        if let id = order.connection, id.key != connection.key { return false }
        // The slot may have become another's since the walk began.
        if let user = order.user, !users.isUser(user, of: connection) { return false }
        switch order {
        case .disconnect(_, let frame):
            webSockets.disconnect(connection, frame)
        case .unsubscribe(_, let channel, let reason, let code):
            guard context.hub.isMember(connection.slot, of: channel) else { return false }
            subscriptions.leave(connection.slot, channel)
            webSockets.tell(.removed(channel: channel, reason: reason, code: code), connection)
        case .publish(_, let message, _):
            context.hub.send(message, to: connection.slot)
        case .revoke(let revocation):
            guard isConcerned(connection, by: revocation) else { return false }
            webSockets.fail(connection, .revoked)
        case .revokeToken:
            revokeToken(of: connection)
            webSockets.fail(connection, .revoked)
        }
        return true
    }

    /// Ends a connection if its token was revoked.
    ///
    /// - Returns: what recognises the token, if it was.
    func endIfRevoked(_ connection: Connection) -> TokenMark? {
        guard let identity = connection.identity, context.state.revoked.refuse(identity) else { return nil }
        webSockets.fail(connection, .revoked)
        return identity.mark
    }

    /// A user's connection without a token has no time of issue, so it ends as well.
    private func isConcerned(_ connection: Connection, by revocation: Revocation) -> Bool {
        guard let identity = connection.identity, identity.isNamed else { return true }
        return revocation.concerns(identity)
    }

    private func revokeToken(of connection: Connection) {
        guard let identity = connection.identity, let mark = identity.mark else { return }
        let revocation = Revocation(.marked(mark), until: identity.expiresAt ?? context.state.latestTokenEnd)
        guard context.state.revoked.add(revocation) else {
            return context.state.logger.error("a token was not revoked: there are too many revocations")
        }
        context.tellNode(.tell(.revoke(revocation), nil))
        for loop in 0..<context.state.workers { context.post(.call(.order(.revoke(revocation)), nil), to: loop) }
    }
}
