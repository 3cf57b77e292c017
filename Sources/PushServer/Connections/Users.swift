internal import Access

/// The named users of a loop's connections: their connections are found without a walk over all.
final class Users {
    /// The name for a client that has none.
    static let anonymous = "anonymous"

    private var users = UserSlots()

    /// Notes the user of a connection, as its identity or its request names it.
    ///
    /// - Parameter user: nil for an anonymous client.
    func note(_ user: String?, of connection: Connection) {
        forget(connection)
        guard let user else { return }
        if let identity = connection.identity, identity.isNamed, identity.names(user) {
            users.insert(identity, connection.slot)
        } else {
            users.insert(Identity(user: user), connection.slot)
        }
    }

    /// Forgets a connection.
    func forget(_ connection: Connection) {
        users.remove(connection.slot)
    }

    /// The user of a connection; nil for an anonymous client.
    func name(of connection: Connection) -> String? { name(ofSlot: connection.slot) }

    /// The user of the connection in a slot; nil for an anonymous client.
    func name(ofSlot slot: UInt32) -> String? { users.name(of: slot) }

    /// Whether a connection is a user's.
    func isUser(_ user: String, of connection: Connection) -> Bool { users.isUser(user, connection.slot) }

    /// The slots of a user's connections.
    func slots(of user: String) -> [UInt32] { users.slots(of: user) }
}

@available(*, unavailable)
extension Users: Sendable {}
