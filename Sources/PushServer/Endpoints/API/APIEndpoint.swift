internal import Access
internal import HTTP

/// An endpoint below `/v1`: for admins only, with one path and one method.
protocol APIEndpoint: Endpoint {
    static var path: APIPath { get }
    /// POST if it changes something; otherwise it is asked with GET or HEAD.
    static var isPost: Bool { get }

    /// Answers a complete request.
    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer
}

extension APIEndpoint {
    static var isPost: Bool { false }

    var purpose: AccessRules.Purpose? { .administer }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { Self.path.matches(head) }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        guard Self.isPost else { return .reading(head) }
        return head.method == .post ? .taken(RoutedRequest(isRateLimited: false)) : .refused(.wrongMethod("POST"))
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        do throws(BadRequest) {
            return try answer(head, body, connection)
        } catch {
            return .now(error.response)
        }
    }
}
