internal import Access
internal import HTTP

/// An endpoint below `/v1`: for admins only, with one path and one method.
protocol APIEndpoint: Endpoint {
    static var path: APIPath { get }
    /// POST if it changes something; otherwise it is asked with GET or HEAD.
    static var isPost: Bool { get }
    /// The longest body; nil for that of a message.
    static var maxBodyBytes: Int? { get }

    /// Answers a complete request.
    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer
}

extension APIEndpoint {
    static var isPost: Bool { false }
    static var maxBodyBytes: Int? { 4096 }

    var purpose: AccessRules.Purpose? { .administer }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { Self.path.matches(head) }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        guard Self.isPost else { return .reading(head) }
        guard head.method == .post else { return .refused(.wrongMethod("POST")) }
        if let limit = Self.maxBodyBytes, head.value(of: "content-length").flatMap({ Int($0) }) ?? 0 > limit {
            return .refused(.tooLong(limit))
        }
        return .taken(RoutedRequest(isRateLimited: false))
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        if let limit = Self.maxBodyBytes, body.count > limit { return .now(.tooLong(limit)) }
        do throws(BadRequest) {
            return try answer(head, body, connection)
        } catch {
            return .now(error.response)
        }
    }
}

extension Response {
    fileprivate static func tooLong(_ limit: Int) -> Response {
        .error(.contentTooLarge, "the body of such a request has at most \(limit) bytes")
    }
}
