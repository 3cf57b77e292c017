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
    let refusal: PusherRefusal?

    init(spoken: Int, _ session: PusherSession, refusal: PusherRefusal? = nil) {
        (self.spoken, self.session, self.refusal) = (spoken, session, refusal)
    }
}

@available(*, unavailable)
extension OwnSession: Sendable {}

/// What the clients of a loop speak, and the sessions that some of them have for themselves.
final class Sessions {
    private struct Own {
        var session: PusherSession
        /// What the client has sent to others in this second.
        var relayed = MessageRate()
    }

    private let context: LoopContext
    /// By slot; an array, so that an idle client costs its session and nothing more.
    private var own: ContiguousArray<Own?> = []

    init(_ context: LoopContext) {
        self.context = context
    }

    /// Gives a connection a session of its own.
    ///
    /// - Returns: why the connection ends at once; nil if it stays.
    func begin(_ new: OwnSession, of connection: Connection) -> PusherRefusal? {
        while own.count <= Int(connection.slot) { own.append(nil) }
        own[Int(connection.slot)] = Own(session: new.session)
        // A reload may have come while the client waited for its answer.
        guard follow(context.settings.configuration.pusherApps, connection) else {
            own[Int(connection.slot)]?.session.app = nil
            return .unknownApp
        }
        if let app = own[Int(connection.slot)]?.session.app, !context.state.pusherPlaces.take(app) {
            own[Int(connection.slot)]?.session.app = nil
            return .full(limit: app.options.maxConnections ?? 0)
        }
        return new.refusal
    }

    /// Forgets a connection.
    func forget(_ connection: Connection) {
        guard hasOwn(connection) else { return }
        if let app = own[Int(connection.slot)]?.session.app { context.state.pusherPlaces.release(app) }
        own[Int(connection.slot)] = nil
    }

    /// Goes by the application as it is since a reload; returns false if it is not there any more.
    func follow(_ apps: [PusherApp], _ connection: Connection) -> Bool {
        guard hasOwn(connection), let app = own[Int(connection.slot)]?.session.app else { return true }
        guard let new = apps.first(where: app.isSame) else { return false }
        own[Int(connection.slot)]?.session.app = new
        return true
    }

    /// Counts a message of a client to others; returns false if it exceeds the limit for a second.
    func admitsRelayed(of connection: Connection, below limit: Int?) -> Bool {
        guard let limit, hasOwn(connection) else { return true }
        return own[Int(connection.slot)]?.relayed.spend(1, at: context.tick) ?? 0 < limit
    }

    /// Whether a connection has a session of its own.
    func hasOwn(_ connection: Connection) -> Bool {
        Int(connection.slot) < own.count && own[Int(connection.slot)] != nil
    }

    /// The protocol of a WebSocket.
    func spoken(by connection: Connection) -> any ClientProtocol {
        ClientProtocols.all[context.hub.form(of: connection.slot).encoder]
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
        return hasOwn(connection) ? own[Int(connection.slot)]?.session.step(text: text) : nil
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
        hasOwn(connection) ? own[Int(connection.slot)]?.session : nil
    }
}

@available(*, unavailable)
extension Sessions: Sendable {}
