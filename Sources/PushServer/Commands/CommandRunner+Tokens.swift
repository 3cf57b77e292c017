internal import Access
internal import Channels
internal import Protocols
internal import Tokens
internal import WSLoop

extension CommandRunner {
    /// Replaces a connection's token; one that is refused changes nothing.
    ///
    /// - Parameter mayWait: whether the token is tried again when further keys have been fetched.
    func refresh(_ connection: Connection, _ token: String, id: [UInt8], mayWait: Bool = true) {
        guard let old = connection.identity, let verifier = context.settings.tokens else {
            return webSockets.reply(.refused(.nothingToRefresh), to: id, of: connection)
        }
        let identity: Identity
        do throws(TokenViolation) {
            identity = try verifier.verify(Array(token.utf8), at: Int(Loop.unixTimeSeconds))
            if context.state.revoked.refuse(identity) { throw .revoked }
        } catch {
            if mayWait, error.isForLackOfKey, waitForKeys(connection, token, id: id) { return }
            return webSockets.reply(.refused(.tokenRefused(error.message)), to: id, of: connection)
        }
        guard identity.isNamed == old.isNamed, identity.names(old.user) else {
            return webSockets.reply(.refused(.otherUser), to: id, of: connection)
        }
        replaceIdentity(of: connection, with: identity, id: id)
    }

    private func waitForKeys(_ connection: Connection, _ token: String, id: [UInt8]) -> Bool {
        keys.wait(connection, holding: token.utf8.count) { [self] in refresh($0, token, id: id, mayWait: false) }
    }

    private func replaceIdentity(of connection: Connection, with identity: Identity, id: [UInt8]) {
        connection.identity = identity
        if identity.isNamed { users.note(identity.user, of: connection) }
        connection.isToldOfExpiry = false
        lives.follow(connection)
        leaveForbidden(connection)
        let seconds = identity.expiresAt.map { $0 - Int(Loop.unixTimeSeconds) }
        webSockets.reply(.refreshed(seconds: seconds), to: id, of: connection)
    }

    /// The keys that connections wait for have been fetched, or are not fetched now.
    func keysSettled() {
        for (key, proceed) in keys.takeWaiting() { answered(key, proceed) }
    }
}
