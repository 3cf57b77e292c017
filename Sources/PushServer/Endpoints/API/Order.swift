internal import Access
internal import Channels
internal import WebSocket

/// What an admin has all nodes do to connections.
///
/// A node carries out its own orders at once and tells the others, except for messages, which it also takes from the
/// broker: so all nodes have the same order.
enum Order: Sendable {
    /// The connections that it is about.
    enum Target: Equatable, Sendable {
        case user(String)
        case connection(ConnectionID)
    }

    /// Ends connections with this Close frame.
    case disconnect(Target, CloseFrame)
    /// Removes connections from a channel, and tells them why; `code` is JSON.
    case unsubscribe(Target, channel: String, reason: String, code: [UInt8])
    /// Sends a message to all connections of a user, unless there was one with this id.
    case publish(user: String, Message, id: String? = nil)
    /// Ends the connections whose tokens are revoked.
    case revoke(Revocation)
    /// Ends a connection and revokes its token, which only its node knows.
    case revokeToken(of: ConnectionID)

    /// The only connection that it is about; nil if it is about others.
    var connection: ConnectionID? {
        switch self {
        case .disconnect(.connection(let id), _), .unsubscribe(.connection(let id), _, _, _), .revokeToken(let id): id
        case .disconnect(.user, _), .unsubscribe(.user, _, _, _), .publish, .revoke: nil
        }
    }

    /// The user whose connections it is about; nil if it is about others.
    var user: String? {
        switch self {
        case .disconnect(.user(let user), _), .unsubscribe(.user(let user), _, _, _), .publish(let user, _, _): user
        case .revoke(let revocation):
            if case .ofUser(let user, _) = revocation.tokens { user } else { nil }
        case .disconnect(.connection, _), .unsubscribe(.connection, _, _, _), .revokeToken: nil
        }
    }

    /// Whether a node carries out its own when it comes back from the broker.
    var comesBack: Bool { if case .publish = self { true } else { false } }
}
