internal import Channels
internal import Protocols

/// A session that one connection has for itself, made by the endpoint that lets the client in.
struct OwnSession {
    /// The index of its protocol.
    let spoken: Int
    let session: any ClientSession & AnyObject
    /// Why the connection ends as soon as it is open, where only a Close frame tells the client that; nil if it stays.
    let refusal: (code: UInt16, reason: String)?
}

/// What the clients of a loop speak, and the sessions that some of them have for themselves.
final class Sessions {
    private let hub: Hub
    /// By slot.
    private var own: [UInt32: any ClientSession & AnyObject] = [:]

    init(_ hub: Hub) {
        self.hub = hub
    }

    /// Gives a connection a session of its own.
    func begin(_ session: any ClientSession & AnyObject, of connection: Connection) { own[connection.slot] = session }

    /// Forgets a connection.
    func forget(_ connection: Connection) {
        if !own.isEmpty { own[connection.slot] = nil }
    }

    /// Whether a connection has a session of its own.
    func hasOwn(_ connection: Connection) -> Bool { own[connection.slot] != nil }

    /// The protocol of a WebSocket.
    func spoken(by connection: Connection) -> any ClientProtocol {
        ClientProtocols.all[hub.form(of: connection.slot).encoder]
    }

    /// The session that parses a connection's messages and encodes the replies.
    func session(of connection: Connection) -> (any ClientSession)? {
        spoken(by: connection).session() ?? own[connection.slot]
    }

    /// Whether the client has proved that it may be in a channel, so that it needs no token for it.
    func hasProved(_ connection: Connection, itsRightTo channel: String) -> Bool {
        connection.phase == .webSocket && spoken(by: connection).hasProved(itsRightTo: channel)
    }
}

@available(*, unavailable)
extension Sessions: Sendable {}
