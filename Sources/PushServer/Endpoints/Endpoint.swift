internal import Access
internal import HTTP

/// One thing that the server answers over HTTP: a file in this folder and a line in the router's table.
protocol Endpoint: AnyObject {
    /// The purpose that a request must be allowed for; nil if the endpoint checks that itself.
    var purpose: AccessRules.Purpose? { get }

    /// Whether a request is for this endpoint.
    func serves(_ head: RequestHead, on peer: Peer) -> Bool

    /// Decides on the head of an allowed request how to handle it.
    func route(_ head: RequestHead, _ connection: Connection) -> Route

    /// Answers a request that it has taken.
    func answer(_ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection)
        -> EndpointAnswer
}

extension Endpoint {
    var purpose: AccessRules.Purpose? { .read }

    func route(_ head: RequestHead, _ connection: Connection) -> Route { .taken(RoutedRequest()) }

    /// For endpoints whose `route` refuses every request, so that this is never called.
    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        .now(.nothing)
    }
}

/// An endpoint that lets clients in, on the head alone: a handshake with a body is an error (RFC 6455 section 4.1).
protocol OpeningEndpoint: Endpoint {}

extension OpeningEndpoint {
    /// A refusal is counted and logged as one of a handshake.
    var purpose: AccessRules.Purpose? { nil }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        .taken(RoutedRequest(isAnsweredOnHead: true))
    }
}

/// An endpoint that only reports, and is asked with GET or HEAD.
protocol ReadEndpoint: Endpoint {
    func response(to head: RequestHead, _ connection: Connection) -> Response
}

extension ReadEndpoint {
    func route(_ head: RequestHead, _ connection: Connection) -> Route { .reading(head) }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        .now(response(to: head, connection))
    }
}

extension Route {
    /// The route of a request for a path that can only be read.
    static func reading(_ head: RequestHead) -> Route {
        guard head.method == .get || head.method == .head else { return .refused(.wrongMethod("GET, HEAD")) }
        return .taken(RoutedRequest())
    }
}

extension Response {
    /// The response to a path that does not exist.
    static let nothing = Response.error(
        .notFound, "there is nothing here; see /health, /health/live, /health/ready, /metrics, /publish, /sse and /ws")

    static func wrongMethod(_ allowed: String, example: String = "") -> Response {
        var response = Response.error(.methodNotAllowed, "this path takes \(allowed)\(example)")
        response.addHeader("Allow", allowed)
        return response
    }
}
