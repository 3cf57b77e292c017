internal import Access
internal import Bytes
internal import Channels
internal import Protocols
internal import Tokens
internal import WSLoop

extension CommandRunner {
    /// Replaces a connection's token; one that is refused changes nothing.
    func refresh(_ connection: Connection, _ token: String, id: [UInt8]) {
        do throws(CommandRefusal) {
            let identity = try identity(for: token, replacing: connection.identity)
            connection.identity = identity
            connection.isToldOfExpiry = false
            lives.follow(connection)
            leaveForbidden(connection)
            let seconds = identity.expiresAt.map { $0 - Int(Loop.unixTimeSeconds) }
            webSockets.reply(.refreshed(seconds: seconds), to: id, of: connection)
        } catch {
            webSockets.reply(.refused(error), to: id, of: connection)
        }
    }

    private func identity(for token: String, replacing old: Identity?) throws(CommandRefusal) -> Identity {
        guard let old, let verifier = context.state.tokens else { throw .nothingToRefresh }
        let identity: Identity
        do throws(TokenViolation) {
            identity = try verifier.verify(Array(token.utf8), at: Int(Loop.unixTimeSeconds))
        } catch {
            throw .tokenRefused(error.message)
        }
        guard identity.isNamed == old.isNamed, ByteName(identity.user) == ByteName(old.user) else { throw .otherUser }
        return identity
    }

    /// Ends the subscriptions that a client may not have any more, and tells it.
    private func leaveForbidden(_ connection: Connection) {
        for channel in context.hub.channelNames(of: connection.slot) {
            guard let denial = decision(on: channel, connection).denial else { continue }
            subscriptions.leave(connection.slot, channel)
            webSockets.tell(.unsubscribed(channel: channel, denial), connection)
        }
    }
}
