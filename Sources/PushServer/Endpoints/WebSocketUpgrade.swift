internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Logging
internal import Protocols
internal import Synchronization
internal import WSLoop
internal import WebSocket

/// `/ws`: opens WebSockets, with the channels that the query names.
final class WebSocketUpgrade: Endpoint {
    private static let defaultChannel = "default"
    static let defaultUser = "anonymous"

    private let context: LoopContext
    private let limits: ConnectionLimits
    private let addresses: ClientAddresses
    private let users: Users
    private let webSockets: WebSocketExchange
    private let subscriptions: Subscriptions
    private let access: RequestAccess
    private let log: HandshakeLog
    /// Whether clients use channels; false if a program that embeds the server handles the messages itself.
    private let hasChannels: Bool

    init(
        _ context: LoopContext, _ connections: Connections, _ commands: CommandRunner, _ access: RequestAccess,
        _ log: HandshakeLog
    ) {
        self.context = context
        limits = connections.limits
        addresses = connections.addresses
        users = connections.users
        webSockets = connections.webSockets
        subscriptions = commands.subscriptions
        self.access = access
        self.log = log
        hasChannels = if case .channels = context.state.configuration.endpoint { true } else { false }
    }

    /// A refusal is counted and logged as one of a handshake.
    var purpose: AccessRules.Purpose? { nil }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        guard !peer.contains(.admin) else { return false }
        return head.isPath("/ws") || (!hasChannels && head.count(of: "upgrade") > 0)
    }

    /// A handshake with a body is an error (RFC 6455 section 4.1); it is refused without reading the body.
    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        .taken(RoutedRequest(isAnsweredOnHead: true))
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        do throws(UpgradeRefusal) {
            return try open(head, connection)
        } catch {
            context.counters.handshakes[HandshakeResult(error.response.status).rawValue] += 1
            log.refused(error.reason, head, connection)
            return .now(error.response)
        }
    }

    private func open(_ head: RequestHead, _ connection: Connection) throws(UpgradeRefusal) -> EndpointAnswer {
        if let denial = access.denial(of: head, for: .connect, connection) {
            throw UpgradeRefusal(denial)
        }
        guard context.state.lifecycle.phase != .draining else { throw .unavailable("the server is going away") }
        let acceptance = try accept(head)
        let channels = try channels(of: head)
        let user = try user(of: head)
        try checkRights(to: channels, connection)
        if hasChannels { log.noteUnknown(in: head, acceptance, connection) }
        context.state.logger.debug(
            "opening",
            metadata: [
                "address": "\(addresses.logged(connection, head))", "user": "\(user)", "channels": "\(channels)",
            ])
        try takePlace()
        if !context.state.configuration.admission.isEmpty { try admit(head, connection, user: user) }
        addresses.noteClient(of: head, connection)
        users.note(user == WebSocketUpgrade.defaultUser ? nil : user, of: connection)
        let unconfirmed = subscriptions.acquire(channels, for: connection.key)
        guard unconfirmed > 0 else { return .upgrade(acceptance, channels: channels) }
        connection.wait(
            for: Continuation(channels: channels, unconfirmed: unconfirmed) { [webSockets] in
                webSockets.open(connection, acceptance, channels: channels)
            } abandoned: { [state = context.state] in
                state.places.releaseWebSocket()
            })
        return .later
    }

    /// A client that may not join one of its channels is refused, so that it learns that before the 101.
    private func checkRights(to channels: [String], _ connection: Connection) throws(UpgradeRefusal) {
        for channel in channels {
            let decision = context.state.access.channels.decision(to: .subscribe, channel, by: connection.identity)
            if let denial = decision.denial { throw UpgradeRefusal(Denial(denial, of: channel)) }
        }
    }

    private func takePlace() throws(UpgradeRefusal) {
        guard !context.state.places.takeWebSocket(), context.isStopped(by: .connections) else { return }
        context.state.places.releaseWebSocket()
        throw UpgradeRefusal(.connections)
    }

    private func admit(_ head: RequestHead, _ connection: Connection, user: String) throws(UpgradeRefusal) {
        let ticket = Admission.Ticket(
            address: addresses.client(of: head, connection)?.group,
            user: user == WebSocketUpgrade.defaultUser ? nil : user)
        let second = Loop.monotonicNanoseconds / 1_000_000_000
        let verdict = context.state.admission.withLock { $0.admit(ticket, second: second) }
        for refusal in verdict.reached { context.counters.limitHits[refusal.limit.rawValue] += 1 }
        guard let refusal = verdict.refusal else { return limits.note(ticket, of: connection) }
        context.state.places.releaseWebSocket()
        throw UpgradeRefusal(refusal.denial)
    }
}

// MARK: - What the request asks for

extension WebSocketUpgrade {
    private func accept(_ head: RequestHead) throws(UpgradeRefusal) -> Handshake.Acceptance {
        do throws(HandshakeViolation) {
            return try Handshake.accept(
                head, subprotocols: hasChannels ? ClientProtocols.subprotocols : [],
                deflate: deflatePolicy(head))
        } catch {
            var response = Response.error(error.status, error.message)
            error.addHeaders(to: &response)
            throw UpgradeRefusal(error.message, response)
        }
    }

    /// The extension's offer cannot insist on a context, so the query can.
    private func deflatePolicy(_ head: RequestHead) -> DeflateAgreement.Policy {
        guard context.state.configuration.compresses else { return .off }
        let keepsContext = (try? head.queryValues(of: "context_takeover")) == ["1"]
        return keepsContext ? .withClientContext : .withoutContext
    }

    private func channels(of head: RequestHead) throws(UpgradeRefusal) -> [String] {
        guard hasChannels else { return [] }
        let named: [String]
        do throws(QueryViolation) { named = try head.queryValues(of: "channel") } catch {
            throw .badRequest(error.message)
        }
        if let problem = named.lazy.filter({ !$0.isEmpty }).compactMap(ChannelName.problem(with:)).first {
            throw .badRequest("channel= \(problem)")
        }
        let channels =
            named.isEmpty
            ? [WebSocketUpgrade.defaultChannel] : WebSocketUpgrade.distinct(named.filter { !$0.isEmpty })
        let limit = context.state.configuration.maxChannels.value
        if channels.count > limit, context.isStopped(by: .channels) {
            throw .badRequest(CommandRefusal.tooManyChannels(limit: limit).message)
        }
        return channels
    }

    /// The names in order, without duplicates.
    private static func distinct(_ names: [String]) -> [String] {
        guard names.count > 1 else { return names }
        var known: Set<ByteName> = []
        return names.filter { known.insert(ByteName($0)).inserted }
    }

    private func user(of head: RequestHead) throws(UpgradeRefusal) -> String {
        guard let users = try? head.queryValues(of: "user_id"), users.count <= 1,
            users.allSatisfy({ $0.isEmpty || ChannelName.isValid($0) })
        else {
            throw .badRequest("user_id is at most 255 bytes of UTF-8 without control characters")
        }
        return users.first ?? WebSocketUpgrade.defaultUser
    }
}

/// Why a WebSocket was not opened: the reason and the response.
private struct UpgradeRefusal: Error {
    let reason: String
    let response: Response

    init(_ reason: String, _ response: Response) {
        self.reason = reason
        self.response = response
    }

    init(_ denial: Denial) {
        self.init(denial.message, Response(denial))
    }

    static func badRequest(_ reason: String) -> UpgradeRefusal {
        UpgradeRefusal(reason, .error(.badRequest, reason))
    }

    static func unavailable(_ reason: String) -> UpgradeRefusal {
        UpgradeRefusal(reason, .unavailable(reason))
    }
}

/// A handshake on another path is logged, because a browser shows nothing of a response that is not a handshake.
final class MisplacedUpgrade: Endpoint {
    private static let reason = "the WebSocket is at /ws"

    private let context: LoopContext
    private let log: HandshakeLog

    init(_ context: LoopContext, _ log: HandshakeLog) {
        self.context = context
        self.log = log
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        !peer.contains(.admin) && head.hasToken("websocket", in: "upgrade")
    }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        context.counters.handshakes[HandshakeResult(.notFound).rawValue] += 1
        log.refused(MisplacedUpgrade.reason, head, connection)
        return .refused(.error(.notFound, MisplacedUpgrade.reason))
    }
}
