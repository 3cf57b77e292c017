internal import Bytes

/// What the backend can be told of.
public enum EventKind: String, CaseIterable, Sendable {
    /// A client has opened a WebSocket.
    case connected
    /// A WebSocket has ended.
    case disconnected
    /// A channel has got its first subscriber.
    case occupied
    /// A channel has had no subscriber for the grace time.
    case vacated
    /// A user has subscribed to a channel with a first connection.
    case joined
    /// A user has had no connection on a channel for the grace time.
    case left
    /// A client has published a message.
    case published
}

/// Something that has happened, for the backend.
public struct Event: Sendable {
    /// What has happened.
    public let kind: EventKind
    private let milliseconds: Int
    private let members: [(name: String, value: String)]
    private let order: Int?
    private let data: [UInt8]?

    /// An event.
    ///
    /// - Parameters:
    ///   - milliseconds: when it has happened, since 1970.
    ///   - members: what it is about, by name.
    ///   - order: larger in later events of all nodes; nil where nothing depends on it.
    ///   - data: JSON text.
    public init(
        _ kind: EventKind, at milliseconds: Int, _ members: [(name: String, value: String)], order: Int? = nil,
        data: [UInt8]? = nil
    ) {
        self.kind = kind
        self.milliseconds = milliseconds
        self.members = members
        self.order = order
        self.data = data
    }

    /// The event as JSON.
    ///
    /// - Parameters:
    ///   - node: the name of the node that tells it.
    ///   - number: counts the node's events.
    func text(node: String, number: Int) -> [UInt8] {
        var object = JSONObjectWriter()
        object.member("id", "\(node)-\(number)")
        object.member("event", kind.rawValue)
        object.member("node", node)
        object.member("time_ms", milliseconds)
        for member in members { object.member(member.name, member.value) }
        if let order { object.member("order", order) }
        if let data { object.member("data", raw: data) }
        return object.finish()
    }
}
