internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Hooks
internal import Logging
internal import Protocols
internal import Synchronization
internal import WSLoop
internal import WebSocket

/// `/ws`: opens WebSockets, with the channels that the query names.
final class WebSocketUpgrade: Endpoint {
    private static let defaultChannel = "default"

    private let context: LoopContext
    private let limits: ConnectionLimits
    private let addresses: ClientAddresses
    private let users: Users
    private let headers: KeptHeaders
    private let http: HTTPExchange
    private let webSockets: WebSocketExchange
    private let backend: BackendProxy
    private let keys: KeyProxy
    private let subscriptions: Subscriptions
    private let access: RequestAccess
    private let authenticator: Authenticator
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
        headers = connections.headers
        http = connections.http
        webSockets = connections.webSockets
        backend = commands.backend
        keys = commands.keys
        subscriptions = commands.subscriptions
        self.access = access
        authenticator = Authenticator(context)
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
            if error.isForLackOfKey, waitForKeys(head, connection) { return .later }
            return .now(refuse(error, head, connection))
        }
    }

    /// Tries again, once, when the keys of `--token-jwks` have been fetched; false if there is nothing to wait for.
    private func waitForKeys(_ head: RequestHead, _ connection: Connection) -> Bool {
        keys.wait(connection, holding: head.byteCount, endsWithPeer: true) { [self] connection in
            do throws(UpgradeRefusal) {
                finish(try open(head, connection), connection)
            } catch {
                http.refuse(refuse(error, head, connection), connection)
            }
        }
    }

    /// Opens the WebSocket of a request that had to wait, unless it waits for something else now.
    private func finish(_ answer: EndpointAnswer, _ connection: Connection) {
        guard case .upgrade(let acceptance, let channels) = answer else { return }
        webSockets.open(connection, acceptance, channels: channels)
    }

    private func refuse(_ refusal: UpgradeRefusal, _ head: RequestHead, _ connection: Connection) -> Response {
        context.counters.handshakes[HandshakeResult(refusal.response.status).rawValue] += 1
        log.refused(refusal.reason, head, connection)
        return refusal.response
    }

    private func open(_ head: RequestHead, _ connection: Connection) throws(UpgradeRefusal) -> EndpointAnswer {
        if let denial = access.denial(of: head, for: .connect, connection) {
            throw UpgradeRefusal(denial)
        }
        guard context.state.lifecycle.phase != .draining else { throw .unavailable("the server is going away") }
        let acceptance = try accept(head)
        connection.identity = hasChannels ? try authenticator.identity(of: head) : nil
        let channels = try channels(of: head, connection.identity)
        let histories = try HistoryQuery.requests(of: head, context.state.access.channels)
        let user = try user(of: head, connection.identity)
        if !backend.answers(.connect) { try checkRights(to: channels, connection) }
        if hasChannels { log.noteUnknown(in: head, acceptance, connection) }
        context.state.logger.debug(
            "opening",
            metadata: [
                "address": "\(addresses.logged(connection, head))", "user": "\(user)", "channels": "\(channels)",
            ])
        try takePlace()
        return try inPlace { () throws(UpgradeRefusal) in
            if !context.state.configuration.admission.isEmpty { try admit(head, connection, user: user) }
            addresses.noteClient(of: head, connection)
            users.note(user == Users.anonymous ? nil : user, of: connection)
            let opening = Opening(head: head, acceptance: acceptance, channels: channels, histories: histories)
            return try identify(connection, opening)
        }
    }

    private func checkRights(to channels: [String], _ connection: Connection) throws(UpgradeRefusal) {
        for channel in channels {
            if case .deny(let denial) = decision(on: channel, connection) {
                throw UpgradeRefusal(Denial(denial, of: channel))
            }
        }
    }

    private func decision(on channel: String, _ connection: Connection) -> Decision {
        context.state.access.channels.decision(to: .subscribe, channel, by: connection.identity)
    }

    /// Runs a step of an opening that has its place, and gives that back if the step refuses the client.
    private func inPlace(
        _ step: () throws(UpgradeRefusal) -> EndpointAnswer
    ) throws(UpgradeRefusal) -> EndpointAnswer {
        do throws(UpgradeRefusal) {
            return try step()
        } catch {
            releasePlace()
            throw error
        }
    }

    private func releasePlace() { context.state.places.releaseWebSocket() }

    private func takePlace() throws(UpgradeRefusal) {
        guard !context.state.places.takeWebSocket(), context.isStopped(by: .connections) else { return }
        context.state.places.releaseWebSocket()
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

// MARK: - What the backend decides

extension WebSocketUpgrade {
    /// A request for a WebSocket that keeps the rules and has a place.
    private struct Opening {
        let head: RequestHead
        let acceptance: Handshake.Acceptance
        var channels: [String]
        /// What the client wants of channels' histories.
        let histories: [ByteName: HistoryRequest]
    }

    /// Asks the backend, if it is to be asked, whether the client may connect, and who it is.
    private func identify(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) -> EndpointAnswer {
        guard headers.keep(opening.head, of: connection) else {
            throw UpgradeRefusal(.headersTooLarge(bytes: KeptHeaders.maxBytes))
        }
        guard backend.answers(.connect) else { return try authorize(connection, opening) }
        return ask(.connect, [.channels(opening.channels)], connection, opening) {
            [self] outcomes throws(UpgradeRefusal) in
            var opening = opening
            try take(outcomes[0], connection, &opening)
            try checkRights(to: opening.channels, connection)
            return try authorize(connection, opening)
        }
    }

    /// Asks the backend about the channels that a rule leaves to it.
    private func authorize(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) -> EndpointAnswer {
        let undecided = opening.channels.filter { decision(on: $0, connection) == .ask }
        guard !undecided.isEmpty else { return try join(connection, opening) }
        let granted = Set((connection.identity?.channels ?? []).map { ByteName($0) })
        let open = undecided.filter { !granted.contains(ByteName($0)) }
        guard let first = open.first else { return try join(connection, opening) }
        guard backend.answers(.subscribe) else { throw UpgradeRefusal(Denial(.undecided, of: first)) }
        return ask(.subscribe, open.map { .channel($0) }, connection, opening) {
            [self] outcomes throws(UpgradeRefusal) in
            for (channel, outcome) in zip(open, outcomes) {
                if let denial = backend.denial(outcome) { throw UpgradeRefusal(Denial(denial, of: channel)) }
            }
            return try join(connection, opening)
        }
    }

    /// Opens the WebSocket as soon as its channels are confirmed.
    private func join(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) -> EndpointAnswer {
        for (channel, request) in opening.histories where request.last > 0 {
            let decision = context.state.access.channels.decision(
                to: .history, channel.text, by: connection.identity, isSubscribed: true)
            if let denial = decision.denial { throw UpgradeRefusal(Denial(denial, of: channel.text)) }
        }
        let channels = opening.channels
        let unconfirmed = subscriptions.acquire(channels, for: connection.key)
        guard unconfirmed > 0 else { return enter(connection, opening) }
        connection.wait(
            for: Continuation(channels: channels, unconfirmed: unconfirmed) { [self] in
                guard case .upgrade = enter(connection, opening) else { return }
                webSockets.open(connection, opening.acceptance, channels: channels)
            } abandoned: { [self] in
                releasePlace()
            })
        return .later
    }

    /// Opens the WebSocket at once, or as soon as the histories were read that the client wants.
    private func enter(_ connection: Connection, _ opening: Opening) -> EndpointAnswer {
        let rules = context.state.access.channels
        var lookups: [HistoryLookup] = []
        for channel in opening.channels {
            guard let request = opening.histories[ByteName(channel)], let limits = rules.history(of: channel) else {
                continue
            }
            lookups.append(HistoryLookup(of: channel, limits, request))
        }
        guard !lookups.isEmpty else { return .upgrade(opening.acceptance, channels: opening.channels) }
        connection.wait(
            for: Continuation(channels: opening.channels) { [context, webSockets] readings in
                for recovery in readings.compactMap(\.isRecovered) { context.count(recovery: recovery) }
                let read = zip(lookups, readings).map { (ByteName($0.channel), $1) }
                webSockets.open(
                    connection, opening.acceptance, channels: opening.channels,
                    after: Dictionary(read) { first, _ in first })
            } abandoned: { [self] in
                releasePlace()
            })
        context.readHistories(lookups, for: connection)
        return .later
    }

    /// Asks the backend, and goes on with the opening when the outcomes are there.
    private func ask(
        _ kind: HookKind, _ subjects: [Question.Subject], _ connection: Connection, _ opening: Opening,
        then step: @escaping ([HookOutcome]) throws(UpgradeRefusal) -> EndpointAnswer
    ) -> EndpointAnswer {
        backend.ask(kind, subjects, for: connection) { [self] in
            releasePlace()
        } then: { [self] connection, outcomes in
            do throws(UpgradeRefusal) {
                finish(try inPlace { () throws(UpgradeRefusal) in try step(outcomes) }, connection)
            } catch {
                // What admission has counted is given back at the end of the connection.
                http.refuse(refuse(error, opening.head, connection), connection)
            }
        }
        return .later
    }

    /// Takes the answer to whether the client may connect.
    private func take(
        _ outcome: HookOutcome, _ connection: Connection, _ opening: inout Opening
    ) throws(UpgradeRefusal) {
        guard case .answered(let answer) = outcome else {
            if backend.denial(outcome) != nil { throw UpgradeRefusal(Denial.undecided) }
            return
        }
        guard answer.isAllowed else { throw UpgradeRefusal(Denial.refused(reason: answer.reason)) }
        if let user = answer.user, let claimed = users.name(of: connection), ByteName(user) != ByteName(claimed) {
            throw .badRequest("the backend knows this client as another user than the request names (user_id)")
        }
        guard let identity = connection.identity.adding(answer) else { return }
        connection.identity = identity
        if identity.isNamed { users.note(identity.user, of: connection) }
        opening.channels = WebSocketUpgrade.distinct(opening.channels + answer.channels)
    }
}

// MARK: - What the request asks for

extension WebSocketUpgrade {
    private func accept(_ head: RequestHead) throws(UpgradeRefusal) -> Handshake.Acceptance {
        do throws(HandshakeViolation) {
            return try Handshake.accept(
                head, subprotocols: hasChannels ? ClientProtocols.subprotocols : [],
                fallback: context.state.tokens == nil ? nil : TokenCarriers.subprotocol,
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

    /// The channels that the query names, or else the default one, and those of the token.
    private func channels(of head: RequestHead, _ identity: Identity?) throws(UpgradeRefusal) -> [String] {
        guard hasChannels else { return [] }
        let named: [String]
        do throws(QueryViolation) { named = try head.queryValues(of: "channel") } catch {
            throw .badRequest(error.message)
        }
        if let problem = named.lazy.filter({ !$0.isEmpty }).compactMap(ChannelName.problem(with:)).first {
            throw .badRequest("channel= \(problem)")
        }
        let granted = identity?.channels ?? []
        let channels =
            named.isEmpty && granted.isEmpty
            ? [WebSocketUpgrade.defaultChannel] : WebSocketUpgrade.distinct(named.filter { !$0.isEmpty } + granted)
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

    /// The token's user, or else the one that the query names; where tokens are taken, only they name users.
    private func user(of head: RequestHead, _ identity: Identity?) throws(UpgradeRefusal) -> String {
        guard let users = try? head.queryValues(of: "user_id"), users.count <= 1,
            users.allSatisfy({ $0.isEmpty || ChannelName.isValid($0) })
        else {
            throw .badRequest("user_id is at most 255 bytes of UTF-8 without control characters")
        }
        guard context.state.tokens != nil else { return users.first ?? Users.anonymous }
        let user = identity?.user ?? Users.anonymous
        if let named = users.first, !named.isEmpty, ByteName(named) != ByteName(user) {
            throw .badRequest("user_id is not the user of the token")
        }
        return user
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
