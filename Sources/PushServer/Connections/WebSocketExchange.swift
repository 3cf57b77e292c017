internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols
internal import WSLoop
internal import WebSocket

/// Handles WebSocket clients' messages.
protocol MessageDelegate: AnyObject {
    func received(_ message: WebSocketMessage, _ connection: Connection)
}

/// WebSocket with the clients of a loop: opens connections, reads messages, answers control frames and closes.
final class WebSocketExchange {
    /// A compressed message costs one more unit for this many bytes of its decompressed size.
    private static let inflatedBytesOfUnit = 1024

    private let context: LoopContext
    private let table: ConnectionTable
    private let lives: ConnectionLives
    private let closing: Closing
    private let rates: MessageRates
    private let users: Users
    let sessions: Sessions
    private let streams: StreamExchange
    /// Decompresses for all connections that keep no context.
    private let inflater = Inflater()
    // Unchecked (docs/decisions/0009): read for each request or message.
    @safe @exclusivity(unchecked) private unowned var delegate: (any MessageDelegate)?

    init(
        _ context: LoopContext, _ table: ConnectionTable, _ lives: ConnectionLives, _ closing: Closing,
        _ rates: MessageRates, _ users: Users, _ sessions: Sessions, _ streams: StreamExchange
    ) {
        self.context = context
        self.table = table
        self.lives = lives
        self.closing = closing
        self.rates = rates
        self.users = users
        self.sessions = sessions
        self.streams = streams
    }

    /// Sets the handler of messages, which must outlive the use of this object.
    func attach(_ delegate: any MessageDelegate) {
        self.delegate = delegate
    }

    /// Turns an HTTP connection into a WebSocket: sends the 101, then its channels' messages.
    ///
    /// - Parameters:
    ///   - own: the session that the client has for itself; nil for the protocol that it has offered.
    ///   - histories: what the client gets of channels' histories first.
    func open(
        _ connection: Connection, _ acceptance: Handshake.Acceptance, _ own: OwnSession?, channels: [String],
        after histories: [ByteName: HistoryReading]
    ) {
        var acceptance = acceptance
        if acceptance.deflate?.keepsClientContext == true, !context.state.places.takeDeflateContext() {
            acceptance.deflate = nil
        }
        connection.dropRequests()
        rates.forget(connection)  // the handshake does not count as a message
        connection.machine = ConnectionMachine(inflater: inflater(acceptance.deflate))
        connection.openedTick = context.tick
        connection.isClient = true
        lives.tell(.upgraded, connection)
        let hub = context.hub
        let spoken = own?.spoken ?? ClientProtocols.index(ofSubprotocol: acceptance.subprotocol)
        let refusal = own.flatMap { sessions.begin($0, of: connection) }
        hub.setForm(WireForm(encoder: spoken, deflated: acceptance.deflate?.window), of: connection.slot)
        hub.reply(connection.slot) { acceptance.encode(into: &$0) }
        if connection.wantsHello, refusal == nil { tell(hello(to: connection), connection) }
        context.counters.webSockets += 1
        context.enter(connection, channels, after: histories, as: .accepted) { tell($0, connection) }
        if let refusal {
            refuse(connection, refusal)
        } else if context.state.lifecycle.phase == .draining {
            fail(connection, .drain)
        }
    }

    private func hello(to connection: Connection) -> ConnectionEvent {
        .hello(
            connection: context.id(of: connection).description,
            user: users.name(of: connection) ?? Users.anonymous,
            pingSeconds: max(Int(context.settings.configuration.pingInterval / .seconds(1)), 1))
    }

    /// Connections share the loop's decompressor; only a client that insists on its context gets its own.
    private func inflater(_ agreement: DeflateAgreement?) -> Inflater? {
        agreement.map { $0.keepsClientContext ? Inflater(keepsContext: true) : inflater }
    }
}

// MARK: - Input

extension WebSocketExchange {
    /// Reads input up to the end of one message or control frame, and handles it.
    func next(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        do throws(ProtocolViolation) {
            guard
                let event = try connection.machine?.receive(
                    input, from: &offset, limits: context.settings.messageLimits)
            else { return }
            guard admits(event, of: connection) else { return }
            switch event {
            case .text(let text): delegate?.received(.text(text), connection)
            case .binary(let bytes): delegate?.received(.binary(bytes), connection)
            case .ping(let payload):
                context.hub.reply(connection.slot) { FrameEncoder.appendFrame(.pong, payload.rawSpan, to: &$0) }
            case .pong, .fragment: break  // its arrival was noted when it was read
            case .close(let frame): peerCloses(frame, connection)
            }
        } catch .unmaskedClose {
            endUnanswered(connection)
        } catch {
            let reason = error.closeCode == .messageTooBig ? CloseReason.messageTooBig : .protocolError
            fail(connection, error.closeCode, error.reason, reason)
            if error.failsConnection { closing.closeAnswered(connection) }
        }
    }

    /// After our Close frame only the peer's Close counts (RFC 6455 section 5.5.1).
    func awaitClose(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        guard connection.life.awaitsClose, connection.machine != nil else {
            offset = input.byteCount
            return
        }
        do throws(ProtocolViolation) {
            let event = try connection.machine?.receive(input, from: &offset, limits: context.settings.messageLimits)
            if case .close = event { closing.closeAnswered(connection) }
        } catch {
            closing.closeAnswered(connection)
        }
    }

    /// Counts a client's input; returns false if it exceeds the rate and must not be handled.
    private func admits(_ event: ConnectionMachine.Event, of connection: Connection) -> Bool {
        let isAdmitted =
            switch event {
            case .text(let message), .binary(let message):
                rates.admits(units: units(of: message, connection), of: connection)
            case .ping, .pong, .fragment: rates.admits(units: 1, of: connection)
            case .close: true
            }
        guard !isAdmitted else { return true }
        switch (event, context.settings.configuration.rateExcess) {
        case (.pong, .error), (.fragment, .error): break  // there is no request to answer with an error
        default: refuseForRate(connection)
        }
        return false
    }

    /// Counts the units of a command beyond its frame; returns false if they exceed the rate and were refused.
    func admits(further units: Int, of connection: Connection) -> Bool {
        guard units > 0, !rates.admits(units: units, of: connection) else { return true }
        refuseForRate(connection)
        return false
    }

    private func refuseForRate(_ connection: Connection) {
        guard context.settings.configuration.rateExcess != .error else {
            return reply(.refused(rates.refusal), to: [], of: connection)
        }
        fail(connection, .tooManyMessages)
    }

    /// A hundred compressed bytes can expand to many that must be decompressed, validated and parsed.
    private func units(of message: [UInt8], _ connection: Connection) -> Int {
        1 + (connection.machine?.inflates == true ? message.count / WebSocketExchange.inflatedBytesOfUnit : 0)
    }
}

// MARK: - Output

extension WebSocketExchange {
    /// Sends a text message.
    func reply(_ text: [UInt8], to connection: Connection) {
        guard connection.phase == .webSocket else { return }
        context.hub.reply(connection.slot, .text, message: text.rawSpan)
    }

    /// Sends a client the outcome of a command.
    ///
    /// - Parameter id: what the client named the command by; empty if it did not.
    func reply(_ outcome: CommandOutcome, to id: [UInt8], of connection: Connection) {
        context.tracer?.note(.outcome(outcome), of: connection)
        guard let text = sessions.reply(to: id, outcome, of: connection) else { return }
        reply(text, to: connection)
    }

    /// Tells a client, also of a stream, of an event, if its protocol has such messages.
    func tell(_ event: ConnectionEvent, _ connection: Connection) {
        context.tracer?.note(.told(event), of: connection)
        guard connection.phase != .streaming else { return streams.tell(event, connection) }
        guard let text = sessions.text(for: event, of: connection) else { return }
        reply(text, to: connection)
    }

    func ping(_ connection: Connection) {
        let empty: [UInt8] = []
        context.hub.reply(connection.slot) { FrameEncoder.appendFrame(.ping, empty.rawSpan, to: &$0) }
    }

    /// Ends a WebSocket with the Close frame that a reason has, or a stream with its last event.
    func fail(_ connection: Connection, _ reason: CloseReason) {
        guard connection.phase != .streaming else { return streams.end(connection, reason) }
        guard let (code, text) = reason.closeFrame else { return }
        fail(connection, code, text, reason)
    }

    /// Ends the WebSocket of a client whose application is not there, or takes no more.
    func refuse(_ connection: Connection, _ refusal: PusherRefusal) {
        fail(connection, CloseCode(rawValue: refusal.code), refusal.reason, .refused)
    }

    /// Ends a WebSocket or a stream as an admin wants it.
    func disconnect(_ connection: Connection, _ frame: CloseFrame) {
        guard connection.phase != .streaming else {
            return streams.end(connection, frame.code, frame.reason, .disconnected)
        }
        fail(connection, frame.code, frame.reason, .disconnected)
    }

    /// Ends a WebSocket with a Close frame; the peer has some time to answer it.
    private func fail(_ connection: Connection, _ code: CloseCode, _ text: String, _ reason: CloseReason) {
        guard connection.phase == .webSocket else { return }
        closing.leave(connection)
        let farewell = sessions.spoken(by: connection).farewell(code.rawValue, text)
        if let last = farewell.text { reply(last, to: connection) }
        context.hub.reply(connection.slot) {
            FrameEncoder.appendClose(CloseCode(rawValue: farewell.code), reason: text, to: &$0)
        }
        table.setInterest(connection.interest.union(.readable), connection)
        let unread = connection.unread
        closing.begin(connection, reason, awaitsClose: true)
        // The peer's Close may be in the input kept while paused, at the current frame boundary.
        var offset = 0
        while offset < unread.count { awaitClose(unread.rawSpan, &offset, connection) }
    }

    /// Answers the peer's Close with the same code (RFC 6455 section 5.5.1); the server then ends TCP (7.1.1).
    private func peerCloses(_ frame: CloseFrame?, _ connection: Connection) {
        closing.leave(connection)
        let empty: [UInt8] = []
        context.hub.reply(connection.slot) {
            if let frame {
                FrameEncoder.appendClose(frame.code, to: &$0)
            } else {
                FrameEncoder.appendFrame(.close, empty.rawSpan, to: &$0)
            }
        }
        closing.begin(connection, .client)
    }

    /// Ends the connection without sending a Close frame, which RFC 6455 section 7.1.7 allows.
    ///
    /// An unmasked Close comes from a proxy that is stopping, which might forward our 1002 to the client instead of its
    /// own 1001.
    private func endUnanswered(_ connection: Connection) {
        guard connection.phase == .webSocket else { return }
        closing.leave(connection)
        closing.begin(connection, .protocolError)
    }
}

extension CloseReason {
    /// What the server's Close frame says; nil if it sends none for this reason, or one that depends on the violation.
    var closeFrame: (CloseCode, String)? {
        switch self {
        case .slowConsumer: (.tryAgainLater, "too slow")
        case .overBudget: (.tryAgainLater, "server over budget")
        case .tooManyMessages: (.tooManyRequests, "too many messages")
        case .tokenExpired: (.unauthorized, "token expired")
        case .tokenInvalid: (.unauthorized, "token no longer valid")
        case .revoked: (.unauthorized, "token revoked")
        case .drain: (.goingAway, "server is going away")
        case .client, .aborted, .protocolError, .messageTooBig, .stalled, .pingTimeout, .disconnected,
            .refused:
            nil
        }
    }
}
