internal import Access
internal import Broker
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols

/// `POST /publish`: hands a message to the broker; errors say what to do.
final class PublishEndpoint: Endpoint {
    private static let formRefusal =
        "a form with files (multipart/form-data, curl -F) is no message: send the body itself (curl --data-binary @FILE)"
    private static let parameters: [StaticString] = ["channel", "key", "user", "id", "exclude", "append", "end"]
    /// Most requests have no others.
    private static let usualParameters: [StaticString] = ["channel", "key"]

    private let context: LoopContext
    private let http: HTTPExchange
    private let commands: CommandRunner
    private let requests: APIRequests

    init(
        _ context: LoopContext, _ connections: Connections, _ commands: CommandRunner, _ requests: APIRequests
    ) {
        self.context = context
        http = connections.http
        self.commands = commands
        self.requests = requests
    }

    var purpose: AccessRules.Purpose? { .publish }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        head.method == .post && head.isPath("/publish") && !peer.contains(.admin)
    }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        // Otherwise subscribers would receive the form's boundaries and headers, which no sender intends.
        if head.hasValue(beginningWith: "multipart/form-data", in: "content-type") {
            return .refused(.error(.unsupportedMediaType, PublishEndpoint.formRefusal))
        }
        do throws(BadRequest) {
            let routed = try routed(head)
            guard !context.state.bytes.isOverBudget else {
                return .refused(.unavailable(CommandRefusal.overBudget.message))
            }
            return .taken(routed)
        } catch {
            return .refused(error.response)
        }
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        guard let key = RecentPublishes.Key(routed) else { return publish(body, routed, connection) }
        switch context.state.recentPublishes.begin(key) {
        case .answered(let text): return .now(.json(text))
        case .pending: return .now(.unavailable("the first request with this id is not answered yet"))
        case .new:
            return publish(body, routed, connection) { [context] in
                context.state.recentPublishes.end(key, $0.status == .ok ? $0.body : nil)
            }
        }
    }

    /// - Parameter note: takes the response, whether or not the connection is still there.
    private func publish(
        _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection, note: ((Response) -> Void)? = nil
    ) -> EndpointAnswer {
        if let user = routed.options?.user {
            return requests.publish(body, to: user, id: routed.options?.id, connection, note: { note?($0) })
        }
        let (channel, key) = (routed.channel, connection.key)
        let publication = Publication(
            channel: channel, payload: body, key: routed.key, excluded: routed.options?.excluded,
            id: routed.options?.id, piece: routed.options?.piece)
        if let result = commands.publish(publication, from: .http, for: connection) {
            let response = response(to: result, channel)
            note?(response)
            return .now(response)
        }
        connection.wait(
            for: Continuation { [self] result in
                let response = response(to: result, channel)
                note?(response)
                http.respond(response, to: connection)
            } abandoned: { [self] in
                guard let note else { return }
                commands.outlive(key) { [self] in note(response(to: $0.mapError(CommandRefusal.init), channel)) }
            })
        return .later
    }

    private func response(to result: Result<Published, CommandRefusal>, _ channel: String) -> Response {
        switch result {
        case .success(let published):
            let subscribers = published.subscribers ?? context.state.directory.subscribers(of: channel)
            return Reports.published(channel: channel, subscribers: subscribers)
        case .failure(.tooLarge(let reason)): return .error(.contentTooLarge, reason)
        case .failure(let refusal): return .unavailable(refusal.message)
        }
    }
}

// MARK: - Parameters

extension PublishEndpoint {
    /// What the query asks for; clients that may publish are trusted, and may do so as fast as they can.
    private func routed(_ head: RequestHead) throws(BadRequest) -> RoutedRequest {
        var routed = RoutedRequest(isRateLimited: false)
        let hasOptions = try head.hasParameter(besides: PublishEndpoint.usualParameters)
        let id = try hasOptions ? head.name("id") : nil
        if let user = try hasOptions ? head.name("user") : nil {
            try head.allowParameters("user", "id")
            routed.options = PublishOptions(user: user, id: id)
            return routed
        }
        routed.channel = try PublishEndpoint.channel(of: head)
        routed.key = try head.name("key")
        if hasOptions {
            let piece = try piece(head, of: routed.channel)
            routed.options = PublishOptions(id: id, excluded: try excluded(head), piece: piece)
        }
        return routed
    }

    /// The growing message that the body is a piece of; its pieces must all arrive.
    private func piece(_ head: RequestHead, of channel: String) throws(BadRequest) -> Publication.Piece? {
        let (name, end) = (try head.name("append"), try head.parameter("end"))
        guard let name else {
            guard end == nil else { throw BadRequest("end= is for a request with append=") }
            return nil
        }
        guard end == nil || end == "0" || end == "1" else { throw BadRequest("end= is 0 or 1") }
        guard context.state.broker.isEmbedded || context.settings.access.channels.history(of: channel) != nil else {
            throw BadRequest("with --redis append= needs a channel with a history, so that no piece is lost")
        }
        let isConflated = context.settings.policies.policy(of: channel) == .conflate
        guard !isConflated, context.settings.access.channels.intervalNanoseconds(of: channel) == 0 else {
            throw BadRequest("append= cannot be used on a channel that sends only its newest messages (conflate)")
        }
        return Publication.Piece(of: name, isLast: end == "1")
    }

    private func excluded(_ head: RequestHead) throws(BadRequest) -> String? {
        guard let name = try head.name("exclude") else { return nil }
        guard ConnectionID(name) != nil else { throw BadRequest("exclude= is not the name of a connection") }
        return name
    }

    private static func channel(of head: RequestHead) throws(BadRequest) -> String {
        let channels = try head.parameters("channel")
        guard let channel = channels.first else { throw missingChannel(head) }
        guard channels.count == 1 else {
            throw BadRequest("\(channels.count) channels: a request publishes to one, send one for each")
        }
        if let problem = ChannelName.problem(with: channel) { throw BadRequest("channel= \(problem)") }
        return channel
    }

    private static func missingChannel(_ head: RequestHead) -> BadRequest {
        let remedy = "add ?channel=NAME to the URL: the channel goes in the query, the body is the message"
        guard let name = try? head.queryName(besides: parameters) else { return BadRequest(remedy) }
        return BadRequest(
            "'\(HandshakeLog.loggable(name))' is no parameter here (they are channel, key, user, id, exclude, append and end); "
                + remedy)
    }
}

extension RecentPublishes.Key {
    /// Nil for a request without an id.
    fileprivate init?(_ routed: RoutedRequest) {
        guard let options = routed.options, let id = options.id else { return nil }
        self.init(
            target: ByteName(options.user ?? routed.channel), isUser: options.user != nil, id: ByteName(id))
    }
}

/// `/publish` with another method than POST.
final class PublishMethods: Endpoint {
    private let access: RequestAccess

    init(_ access: RequestAccess) { self.access = access }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { head.isPath("/publish") && !peer.contains(.admin) }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        let base = "\(access.isSecure(head, connection) ? "https" : "http")://\(head.host ?? "localhost")"
        return .refused(.wrongMethod("POST", example: ": curl -d hello '\(base)/publish?channel=news'"))
    }
}
