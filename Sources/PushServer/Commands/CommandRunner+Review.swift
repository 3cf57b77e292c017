internal import Access
internal import Bytes
internal import Channels
internal import Protocols
internal import Tokens
internal import WSLoop

extension CommandRunner {
    /// Takes from a connection what the settings do not allow it any more, and tells the client.
    ///
    /// - Parameter old: the settings by which it was allowed what it has.
    @discardableResult
    func review(_ connection: Connection, since old: LiveSettings) -> ReviewCounts {
        var counts = ReviewCounts()
        guard connection.phase == .http || connection.isOpenClient else { return counts }
        addresses.noteTrust(in: connection)
        limits.countAfterReload(
            connection, from: addresses.address(of: connection), client: addresses.client(of: connection),
            user: users.name(of: connection))
        guard connection.isOpenClient else { return counts }
        guard keepsToken(connection, since: old) else {
            webSockets.fail(connection, .tokenInvalid)
            counts.closed = 1
            return counts
        }
        guard webSockets.sessions.follow(context.settings.configuration.pusherApps, connection) else {
            webSockets.refuse(connection, .unknownApp)
            counts.closed = 1
            return counts
        }
        counts.unsubscribed = leaveForbidden(connection, since: old)
        return counts
    }

    /// Whether the client may stay with the token that it has, or without one.
    private func keepsToken(_ connection: Connection, since old: LiveSettings) -> Bool {
        guard let identity = connection.identity, identity.tokenKey != nil else {
            // A client with a session of its own came by another lock.
            return context.settings.configuration.tokens?.isRequired != true
                || webSockets.sessions.hasOwn(connection)
        }
        guard let verifier = context.settings.tokens, let before = old.tokens else { return false }
        return verifier.accepts(identity, acceptedBy: before)
    }

    /// Ends the subscriptions that a client may not have any more, and tells it.
    ///
    /// - Parameter old: the settings by which it has subscribed; nil if they are still the same.
    /// - Returns: how many were ended.
    @discardableResult
    func leaveForbidden(_ connection: Connection, since old: LiveSettings? = nil) -> Int {
        var count = 0
        for channel in context.hub.channelNames(of: connection.slot) {
            let isUnasked = old.map { leavesToBackend(channel, connection, since: $0) } ?? false
            guard let denial = isUnasked ? .undecided : decision(on: channel, connection).denial else { continue }
            subscriptions.leave(connection.slot, channel)
            webSockets.tell(.unsubscribed(channel: channel, denial), connection)
            count += 1
        }
        return count
    }

    /// Whether the backend decides about a channel now, and was not asked when the client has subscribed.
    private func leavesToBackend(_ channel: String, _ connection: Connection, since old: LiveSettings) -> Bool {
        !webSockets.sessions.hasProved(connection, itsRightTo: channel)
            && context.settings.access.channels.decision(to: .subscribe, channel, by: connection.identity) == .ask
            && old.access.channels.decision(to: .subscribe, channel, by: connection.identity) != .ask
            && connection.identity?.channels.contains { ByteName($0) == ByteName(channel) } != true
    }
}
