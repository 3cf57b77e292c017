internal import HTTP

/// `GET /v1/trace`: what happens to a user, a channel or a connection, as an event stream.
final class TraceEndpoint: APIEndpoint {
    static let path = APIPath("/v1/trace")

    private let traces: TraceStreams

    init(_ traces: TraceStreams) { self.traces = traces }

    /// HEAD would be a stream without events.
    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        head.method == .get ? .taken(RoutedRequest()) : .refused(.wrongMethod("GET"))
    }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters("user", "channel", "connection")
        let filter = TraceFilter(
            user: try head.name("user"), channel: try head.name("channel"), connection: try TraceEndpoint.id(head))
        guard filter.user != nil || filter.channel != nil || filter.connection != nil else {
            throw BadRequest("a trace needs user=, channel= or connection=")
        }
        guard !traces.isFull else { return .now(.unavailable("too many traces are open")) }
        return traces.begin(filter, for: connection)
    }

    private static func id(_ head: RequestHead) throws(BadRequest) -> ConnectionID? {
        guard let name = try head.parameter("connection") else { return nil }
        guard let id = ConnectionID(name) else { throw BadRequest("connection= is not the name of a connection") }
        return id
    }
}
