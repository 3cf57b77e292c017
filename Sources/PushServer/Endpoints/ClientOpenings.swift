internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Hooks
internal import Logging
internal import Protocols
internal import Synchronization
internal import Tokens
internal import WSLoop
internal import WebSocket

/// How a client gets its messages.
enum ClientTransport {
    /// Over a WebSocket.
    case webSocket(Handshake.Acceptance)
    /// Over a WebSocket with a session of its own, which the client tells what it wants.
    ///
    /// A case of its own, because each WebSocket of the other kind would cost 500 instructions more.
    case session(Handshake.Acceptance, OwnSession)
    /// As an event stream.
    case eventStream(StreamWishes)
}

/// Lets clients in that want messages of channels, or refuses them: the same rules for WebSockets and event streams.
final class ClientOpenings {
    /// Most requests have no others.
    private static let usualParameters: [StaticString] = ["channel", "user_id"]

    let context: LoopContext
    private let limits: ConnectionLimits
    private let addresses: ClientAddresses
    let users: Users
    let headers: KeptHeaders
    let http: HTTPExchange
    let streams: StreamExchange
    let backend: BackendProxy
    private let keys: KeyProxy
    let subscriptions: Subscriptions
    let commands: CommandRunner
    private let access: RequestAccess
    private let authenticator: Authenticator
    let log: HandshakeLog
    /// Whether clients use channels; false if a program that embeds the server handles the messages itself.
    let hasChannels: Bool

    init(
        _ context: LoopContext, _ connections: Connections, _ commands: CommandRunner, _ access: RequestAccess,
        _ log: HandshakeLog
    ) {
        self.context = context
        limits = connections.limits
        addresses = connections.addresses
        users = connections.users
        headers = connections.headers
        http = connections.http
        streams = connections.streams
        backend = commands.backend
        keys = commands.keys
        subscriptions = commands.subscriptions
        self.commands = commands
        self.access = access
        authenticator = Authenticator(context)
        self.log = log
        hasChannels = if case .channels = context.settings.configuration.endpoint { true } else { false }
    }

    /// Answers a request of a client.
    ///
    /// - Parameter accept: reads how the client gets its messages, or says what is wrong with the request.
    func answer(
        _ head: RequestHead, _ connection: Connection,
        _ accept: @escaping (RequestHead) throws(UpgradeRefusal) -> ClientTransport
    ) -> EndpointAnswer {
        do throws(UpgradeRefusal) {
            return try open(head, connection, accept)
        } catch {
            if error.isForLackOfKey, waitForKeys(head, connection, accept) { return .later }
            return .now(refuse(error, head, connection))
        }
    }

    /// Tries again, once, when the keys of `--token-jwks` have been fetched; false if there is nothing to wait for.
    private func waitForKeys(
        _ head: RequestHead, _ connection: Connection,
        _ accept: @escaping (RequestHead) throws(UpgradeRefusal) -> ClientTransport
    ) -> Bool {
        keys.wait(connection, holding: head.byteCount, endsWithPeer: true) { [self] connection in
            do throws(UpgradeRefusal) {
                finish(try open(head, connection, accept), connection)
            } catch {
                http.refuse(refuse(error, head, connection), connection)
            }
        }
    }

    /// Lets the client of a request in that had to wait, unless it waits for something else now.
    ///
    /// - Parameter settings: by which it was allowed; a reload may have come meanwhile. Nil for the current ones.
    func finish(_ answer: EndpointAnswer, _ connection: Connection, decidedBy settings: LiveSettings? = nil) {
        http.perform(answer, connection)
        if let settings, settings !== context.settings { commands.review(connection, since: settings) }
    }

    /// Why a client may not connect any more: its token was revoked while it waited.
    func revocation(of connection: Connection) -> UpgradeRefusal? {
        guard let identity = connection.identity, context.state.revoked.refuse(identity) else { return nil }
        return UpgradeRefusal(TokenViolation.revoked)
    }

    /// Counts and logs a refusal.
    func refuse(_ refusal: UpgradeRefusal, _ head: RequestHead, _ connection: Connection) -> Response {
        context.counters.handshakes[HandshakeResult(refusal.response.status).rawValue] += 1
        log.refused(refusal.reason, head, connection)
        context.tracer?.noteRefusal(refusal.response.status, refusal.reason, head, connection)
        return refusal.response
    }

    private func open(
        _ head: RequestHead, _ connection: Connection,
        _ accept: (RequestHead) throws(UpgradeRefusal) -> ClientTransport
    ) throws(UpgradeRefusal) -> EndpointAnswer {
        if let denial = access.denial(of: head, for: .connect, connection) {
            throw UpgradeRefusal(denial)
        }
        guard context.state.lifecycle.phase != .draining else { throw .unavailable("the server is going away") }
        let transport = try accept(head)
        let (channels, user, histories) = try wishes(of: head, transport, connection)
        if !backend.answers(.connect) { try checkRights(to: channels, connection) }
        context.state.logger.debug(
            "opening",
            metadata: [
                "address": "\(addresses.logged(connection, head))", "user": "\(user)", "channels": "\(channels)",
            ])
        try takePlace()
        return try inPlace { () throws(UpgradeRefusal) in
            if !context.settings.configuration.admission.isEmpty { try admit(head, connection, user: user) }
            addresses.noteClient(of: head, connection)
            users.note(user == Users.anonymous ? nil : user, of: connection)
            let opening = Opening(
                head: head, transport: transport, settings: context.settings, histories: histories,
                channels: channels)
            return try identify(connection, opening)
        }
    }

    /// What the request asks for besides its transport.
    private func wishes(
        of head: RequestHead, _ transport: ClientTransport, _ connection: Connection
    ) throws(UpgradeRefusal) -> (channels: [String], user: String, histories: [ByteName: HistoryRequest]) {
        // A refused request of the same connection may have asked for these.
        connection.wantsHello = false
        connection.watchesPresence = false
        connection.identity = nil
        if case .session = transport {
            connection.wantsHello = true
            return ([], Users.anonymous, [:])
        }
        connection.identity = hasChannels ? try authenticator.identity(of: head) : nil
        let channels = try channels(of: head, connection.identity)
        let user = try user(of: head, connection.identity)
        var histories: [ByteName: HistoryRequest] = [:]
        // The query has been decoded above, so that nothing can be wrong with its escapes.
        if (try? head.queryName(besides: ClientOpenings.usualParameters)) != nil {
            histories = try HistoryQuery.requests(of: head, context.settings.access.channels)
            connection.wantsHello = (try? head.queryValues(of: "hello")) == ["1"]
            connection.watchesPresence = try watchesPresence(head)
            if hasChannels { log.noteUnknown(in: head, transport, connection) }
        }
        if hasChannels { log.noteSubprotocols(of: head, transport, connection) }
        return (channels, user, histories)
    }

    func checkRights(to channels: [String], _ connection: Connection) throws(UpgradeRefusal) {
        for channel in channels {
            if case .deny(let denial) = decision(on: channel, connection) {
                throw UpgradeRefusal(Denial(denial, of: channel))
            }
        }
    }

    func decision(on channel: String, _ connection: Connection) -> Decision {
        context.settings.access.channels.decision(to: .subscribe, channel, by: connection.identity)
    }
}

// MARK: - Places

extension ClientOpenings {
    /// Runs a step of an opening that has its place, and gives that back if the step refuses the client.
    func inPlace(
        _ step: () throws(UpgradeRefusal) -> EndpointAnswer
    ) throws(UpgradeRefusal) -> EndpointAnswer {
        do throws(UpgradeRefusal) {
            return try step()
        } catch {
            releasePlace()
            throw error
        }
    }

    func releasePlace() { context.state.places.release() }

    private func takePlace() throws(UpgradeRefusal) {
        guard !context.state.places.take(below: context.settings.maxClients), context.isStopped(by: .connections)
        else { return }
        context.state.places.release()
        throw UpgradeRefusal(.connections)
    }

    private func admit(_ head: RequestHead, _ connection: Connection, user: String) throws(UpgradeRefusal) {
        let ticket = Admission.Ticket(
            address: addresses.client(of: head, connection)?.group,
            user: user == Users.anonymous ? nil : user)
        let second = Loop.monotonicNanoseconds / 1_000_000_000
        let verdict = context.state.admission.withLock { $0.admit(ticket, second: second) }
        for refusal in verdict.reached { context.counters.limitHits[refusal.limit.rawValue] += 1 }
        guard let refusal = verdict.refusal else { return limits.note(ticket, of: connection) }
        throw UpgradeRefusal(refusal.denial)
    }
}
