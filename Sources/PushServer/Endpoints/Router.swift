internal import Access
internal import HTTP

/// Chooses the route of a request on its head alone, before a byte of its body is read.
///
/// This is the one place where it is decided whether a request is allowed.
final class Router {
    /// Asked in this order: the first that serves a request gets it.
    private let endpoints: [any Endpoint]
    private let access: RequestAccess

    init(
        _ context: LoopContext, _ connections: Connections, _ commands: CommandRunner, _ calls: Calls,
        _ traces: TraceStreams
    ) {
        access = RequestAccess(context, connections.addresses)
        let log = HandshakeLog(context, connections.addresses)
        let openings = ClientOpenings(context, connections, commands, access, log)
        let requests = APIRequests(context, connections, commands, calls)
        endpoints = [
            WebSocketUpgrade(context, openings),
            PublishEndpoint(context, connections, commands, requests),
            PusherUpgrade(context, openings),
            PusherAPI(context, connections, commands, requests),
            MisplacedUpgrade(context, log),
            Preflight(context),
            EventStreamEndpoint(context, openings),
            Posts(context),
            PublishMethods(access),
            PositionEndpoint(context, connections, commands),
            MetricsEndpoint(context),
            HealthEndpoint(context, access),
            LivenessEndpoint(context),
            ReadinessEndpoint(context),
            ChannelsEndpoint(requests),
            ChannelEndpoint(requests),
            HistoryEndpoint(context, connections, commands),
            PresenceEndpoint(context),
            ConnectionsEndpoint(requests),
            ConnectionEndpoint(requests),
            DisconnectUserEndpoint(requests),
            DisconnectEndpoint(requests),
            UnsubscribeEndpoint(requests),
            UserPublishEndpoint(requests),
            RevokeEndpoint(requests),
            PublishLinesEndpoint(context, connections, commands),
            TraceEndpoint(traces),
            AdminPaths(),
            Pages(context),
        ]
    }
}

extension Router: RequestDelegate {
    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        for (number, endpoint) in endpoints.enumerated() where endpoint.serves(head, on: connection.peer) {
            if let purpose = endpoint.purpose, let refusal = access.refusal(of: head, for: purpose, connection) {
                return .refused(refusal)
            }
            switch endpoint.route(head, connection) {
            case .refused(let response): return .refused(response)
            case .taken(var routed):
                routed.endpoint = number
                return .taken(routed)
            }
        }
        return .refused(access.refusal(of: head, for: .read, connection) ?? .nothing)
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        endpoints[routed.endpoint].answer(head, body, routed, connection)
    }
}

/// The permissions of a request on a connection.
struct RequestAccess {
    private let context: LoopContext
    private let addresses: ClientAddresses

    init(_ context: LoopContext, _ addresses: ClientAddresses) {
        self.context = context
        self.addresses = addresses
    }

    /// Why a request is not allowed; nil if it is.
    func denial(of head: RequestHead, for purpose: AccessRules.Purpose, _ connection: Connection) -> Denial? {
        context.settings.access.denial(of: head, from: addresses.peer(of: head, connection), for: purpose)
    }

    /// The answer to a request that is not allowed; nil if it is.
    ///
    /// Where there are admin addresses, other addresses do not show that there are admin endpoints.
    func refusal(of head: RequestHead, for purpose: AccessRules.Purpose, _ connection: Connection) -> Response? {
        guard purpose != .administer || servesAdmin(connection) else { return .nothing }
        return denial(of: head, for: purpose, connection).map { Response($0) }
    }

    /// Whether the admin endpoints are served on the address that the request came to.
    func servesAdmin(_ connection: Connection) -> Bool { context.settings.access.servesAdmin(on: connection.peer) }

    /// Whether the client used TLS.
    func isSecure(_ head: RequestHead, _ connection: Connection) -> Bool {
        addresses.peer(of: head, connection).contains(.tls)
    }
}
