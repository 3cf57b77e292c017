internal import Access
internal import Broker
internal import Channels
internal import HTTP
internal import Protocols

/// `POST /publish`: hands a message to the broker; errors say what to do.
final class PublishEndpoint: Endpoint {
    private static let formRefusal =
        "a form with files (multipart/form-data, curl -F) is no message: send the body itself (curl --data-binary @FILE)"
    private static let parameters: [StaticString] = ["channel", "key", "user"]

    private let state: ServerState
    private let http: HTTPExchange
    private let commands: CommandRunner
    private let requests: APIRequests

    init(
        _ context: LoopContext, _ connections: Connections, _ commands: CommandRunner, _ requests: APIRequests
    ) {
        state = context.state
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
            let user = try head.name("user")
            let channel = try user == nil ? PublishEndpoint.channel(of: head) : ""
            let key = try head.name("key")
            if user != nil { try head.allowParameters("user") }
            if key != nil, let refusal = state.broker.traits.keyRefusal { throw BadRequest(refusal) }
            guard !state.bytes.isOverBudget else {
                return .refused(.unavailable(CommandRefusal.overBudget.message))
            }
            // Clients that may publish are trusted, and may do so as fast as they can.
            return .taken(RoutedRequest(isRateLimited: false, channel: channel, user: user, key: key))
        } catch {
            return .refused(error.response)
        }
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        if let user = routed.user { return requests.publish(body, to: user, connection) }
        let channel = routed.channel
        let publication = Publication(channel: channel, payload: body, key: routed.key)
        if let result = commands.publish(publication, from: .http, for: connection) {
            return .now(response(to: result, channel))
        }
        connection.wait(for: Continuation { [self] in http.respond(response(to: $0, channel), to: connection) })
        return .later
    }

    private func response(to result: Result<Published, CommandRefusal>, _ channel: String) -> Response {
        switch result {
        case .success(let published):
            let subscribers = published.subscribers ?? state.directory.subscribers(of: channel)
            return Reports.published(channel: channel, subscribers: subscribers)
        case .failure(let refusal): return .unavailable(refusal.message)
        }
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
            "'\(HandshakeLog.loggable(name))' is no parameter here (they are channel, key and user); \(remedy)")
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
