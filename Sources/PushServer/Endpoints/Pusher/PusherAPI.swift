internal import Access
internal import Bytes
internal import HTTP
internal import Protocols
internal import WSLoop

/// `/apps/ID/…`: Pusher's HTTP API, for whoever has the application's secret.
final class PusherAPI: Endpoint {
    /// What a request is about, by its path below `/apps/ID`.
    enum Resource {
        case events, batchEvents, channels
        case channel(String)
        case members(String)
        case userEvents(String)
        case terminations(String)

        /// Nil for any other path.
        init?(_ path: [String]) {
            switch (path.count, path.first, path.last) {
            case (1, "events", _): self = .events
            case (1, "batch_events", _): self = .batchEvents
            case (1, "channels", _): self = .channels
            case (2, "channels", _): self = .channel(path[1])
            case (3, "channels", "users"): self = .members(path[1])
            case (3, "users", "events"): self = .userEvents(path[1])
            case (3, "users", "terminate_connections"): self = .terminations(path[1])
            default: return nil
            }
        }

        var isPost: Bool {
            switch self {
            case .events, .batchEvents, .userEvents, .terminations: true
            case .channels, .channel, .members: false
            }
        }
    }

    private static let prefix = "/apps/"

    let context: LoopContext
    let commands: CommandRunner
    let http: HTTPExchange
    let requests: APIRequests

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner, _ requests: APIRequests) {
        (self.context, self.commands, self.requests) = (context, commands, requests)
        http = connections.http
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        !context.settings.configuration.pusherApps.isEmpty && !peer.contains(.admin)
            && head.path.hasPrefix(PusherAPI.prefix)
    }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        guard let (id, resource) = PusherAPI.target(of: head.path) else { return .refused(.nothing) }
        guard head.method == (resource.isPost ? .post : .get) else {
            return .refused(.wrongMethod(resource.isPost ? "POST" : "GET"))
        }
        guard let app = context.settings.configuration.pusherApps.first(where: { $0.id == id }) else {
            return .refused(.error(.forbidden, "there is no application with this id (--pusher-app)"))
        }
        do throws(PusherAPIViolation) {
            try PusherQuery(parsing: head.query ?? "").check(
                resource.isPost ? "POST" : "GET", signedPaths(of: head), hasBody: head.announcesBody, of: app,
                at: Int(Loop.unixTimeSeconds))
        } catch {
            return .refused(Response(error))
        }
        return .taken(RoutedRequest(isRateLimited: false))
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        guard let (_, resource) = PusherAPI.target(of: head.path) else { return .now(.nothing) }
        do throws(PusherAPIViolation) {
            let query = try PusherQuery(parsing: head.query ?? "")
            try query.check(body: body)
            switch resource {
            case .events: return publish([try PusherTrigger(event: body)], isBatch: false, for: connection)
            case .batchEvents: return publish(try PusherTrigger.batch(body), isBatch: true, for: connection)
            case .userEvents(let user):
                return publish([try PusherTrigger(event: body, toUser: user)], isBatch: false, for: connection)
            case .channels: return try listChannels(query, connection)
            case .channel(let name): return .now(try describe(name, query))
            case .members(let channel): return .now(try listMembers(of: channel))
            case .terminations(let user): return terminateConnections(of: user, connection)
            }
        } catch {
            return .now(Response(error))
        }
    }

    /// The application's id, and what the rest of the path is; nil for any other path.
    private static func target(of path: String) -> (id: String, resource: Resource)? {
        let segments = path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false).map {
            PercentEncoding.decode(Array($0.utf8)[...]).flatMap { String(validating: $0, as: UTF8.self) }
        }
        let names = segments.compactMap(\.self)
        guard names.count == segments.count, !names.contains(""), let id = names.first,
            let resource = Resource(Array(names.dropFirst()))
        else { return nil }
        return (id, resource)
    }

    /// What the sender may have signed: the path as it has come, with `--path-prefix` or below it, and each also
    /// decoded; a proxy may have taken the prefix away, and libraries differ about what they sign.
    private func signedPaths(of head: RequestHead) -> [String] {
        var paths = [head.path]
        if let prefix = context.settings.configuration.pathPrefix { paths.append(prefix.description + head.path) }
        let decoded = paths.compactMap { path in
            PercentEncoding.decode(Array(path.utf8)[...]).flatMap { String(validating: $0, as: UTF8.self) }
        }
        return paths + decoded.filter { !paths.contains($0) }
    }
}

extension RequestHead {
    /// Whether a body follows.
    fileprivate var announcesBody: Bool {
        count(of: "transfer-encoding") > 0 || Int(value(of: "content-length") ?? "0") != 0
    }
}

extension Response {
    fileprivate init(_ violation: PusherAPIViolation) {
        self = .error(violation.isUnauthorized ? .unauthorized : .badRequest, violation.message)
    }
}
