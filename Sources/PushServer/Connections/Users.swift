internal import Bytes

/// The named users of a loop's connections: their connections are found without a walk over all.
///
/// A connection of an anonymous client has no entry, so it costs nothing.
final class Users {
    /// The name for a client that has none.
    static let anonymous = "anonymous"

    /// By slot.
    private var names: [UInt32: ByteName] = [:]
    private var slots: [ByteName: [UInt32]] = [:]

    /// Notes the user of a connection that becomes a WebSocket.
    ///
    /// - Parameter user: nil for an anonymous client.
    func note(_ user: String?, of connection: Connection) {
        forget(connection)
        guard let user = user.map({ ByteName($0) }) else { return }
        names[connection.slot] = user
        slots[user, default: []].append(connection.slot)
    }

    /// Forgets a connection.
    func forget(_ connection: Connection) {
        guard !names.isEmpty, let user = names.removeValue(forKey: connection.slot) else { return }
        slots[user]?.removeAll { $0 == connection.slot }
        if slots[user]?.isEmpty == true { slots[user] = nil }
    }

    /// The user of a connection; nil for an anonymous client.
    func name(of connection: Connection) -> String? { name(ofSlot: connection.slot) }

    /// The user of the connection in a slot; nil for an anonymous client.
    func name(ofSlot slot: UInt32) -> String? { names[slot]?.text }

    /// Whether a connection is a user's.
    func isUser(_ user: String, of connection: Connection) -> Bool { names[connection.slot] == ByteName(user) }

    /// The slots of a user's connections.
    func slots(of user: String) -> [UInt32] { slots[ByteName(user)] ?? [] }
}

@available(*, unavailable)
extension Users: Sendable {}
