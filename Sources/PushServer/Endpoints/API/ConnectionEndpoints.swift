internal import HTTP

/// `GET /v1/connections`: the open WebSockets and streams of a user, of a channel, or all.
final class ConnectionsEndpoint: APIEndpoint {
    static let path = APIPath("/v1/connections")

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters("user", "channel", "limit", "after")
        let call = Call.connections(user: try head.name("user"), channel: try head.name("channel"), try head.page())
        return requests.answer(connection, call) { .json($0.json("connections", \.text)) }
    }
}

/// `GET /v1/connections/ID`: one WebSocket or stream.
final class ConnectionEndpoint: APIEndpoint {
    static let path = APIPath("/v1/connections/*")

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters()
        guard let id = ConnectionID(try ConnectionEndpoint.path.argument(of: head)) else { return .now(.noConnection) }
        return requests.answer(connection, about: id, .connection(id.key)) { listing in
            listing.entries.first.map { .json($0.text) } ?? .noConnection
        }
    }
}

extension Response {
    static let noConnection = Response.error(.notFound, "there is no such connection")

    static func json(_ text: [UInt8]) -> Response { Response(.ok, contentType: "application/json", body: text) }
}
