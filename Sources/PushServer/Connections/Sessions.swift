internal import Channels
internal import Protocols

/// A client whose session keeps something between messages, on its way to its WebSocket.
///
/// A class, so that the answers to other requests have no room for all that.
final class OwnSession {
    /// The index of its protocol.
    let spoken: Int
    let session: PusherSession
    /// Why the connection ends as soon as it is open, where only a Close frame tells the client that; nil if it stays.
    let refusal: (code: UInt16, reason: String)?

    init(spoken: Int, _ session: PusherSession, refusal: (code: UInt16, reason: String)? = nil) {
        (self.spoken, self.session, self.refusal) = (spoken, session, refusal)
    }
}

@available(*, unavailable)
extension OwnSession: Sendable {}

/// What the clients of a loop speak, and the sessions that some of them have for themselves.
final class Sessions {
    private let hub: Hub
    /// By slot, without holes: an idle client costs its session and nothing more.
    private var own: ContiguousArray<PusherSession?> = []

    init(_ hub: Hub) {
        self.hub = hub
    }

    /// Gives a connection a session of its own.
    func begin(_ session: PusherSession, of connection: Connection) {
        while own.count <= Int(connection.slot) { own.append(nil) }
        own[Int(connection.slot)] = session
    }

    /// Forgets a connection.
    func forget(_ connection: Connection) {
        if hasOwn(connection) { own[Int(connection.slot)] = nil }
    }

    /// Whether a connection has a session of its own.
    func hasOwn(_ connection: Connection) -> Bool {
        Int(connection.slot) < own.count && own[Int(connection.slot)] != nil
    }

    /// The protocol of a WebSocket.
    func spoken(by connection: Connection) -> any ClientProtocol {
        ClientProtocols.all[hub.form(of: connection.slot).encoder]
    }

    /// Whether the client has proved that it may be in a channel, so that it needs no token for it.
    func hasProved(_ connection: Connection, itsRightTo channel: String) -> Bool {
        connection.phase == .webSocket && spoken(by: connection).hasProved(itsRightTo: channel)
    }
}

// MARK: - Messages

extension Sessions {
    /// How to handle a client's text message.
    func step(text: RawSpan, of connection: Connection) -> ClientStep? {
        if let session = spoken(by: connection).session() { return session.step(text: text) }
        return hasOwn(connection) ? own[Int(connection.slot)]?.step(text: text) : nil
    }

    /// How to handle a client's binary message.
    func step(binary: RawSpan, of connection: Connection) -> ClientStep? {
        if let session = spoken(by: connection).session() { return session.step(binary: binary) }
        return ownSession(of: connection)?.step(binary: binary)
    }

    /// The reply to a command; nil if its protocol has none.
    func reply(to id: [UInt8], _ outcome: CommandOutcome, of connection: Connection) -> [UInt8]? {
        if let session = spoken(by: connection).session() { return session.reply(to: id, outcome) }
        return ownSession(of: connection)?.reply(to: id, outcome)
    }

    /// The message that tells the client of an event; nil if its protocol has none.
    func text(for event: ConnectionEvent, of connection: Connection) -> [UInt8]? {
        if let session = spoken(by: connection).session() { return session.text(for: event) }
        return ownSession(of: connection)?.text(for: event)
    }

    private func ownSession(of connection: Connection) -> PusherSession? {
        hasOwn(connection) ? own[Int(connection.slot)] : nil
    }
}

@available(*, unavailable)
extension Sessions: Sendable {}
