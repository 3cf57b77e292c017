internal import Access
internal import HTTP

/// The response to a CORS preflight (Fetch standard).
final class Preflight: Endpoint {
    private let context: LoopContext

    init(_ context: LoopContext) { self.context = context }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        head.method == .options && head.count(of: "access-control-request-method") > 0
            && context.settings.access.sharedOrigin(of: head) != nil
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        var response = Response(.noContent)
        response.addHeader("Access-Control-Allow-Methods", "GET, HEAD, POST")
        response.addHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, X-API-Key")
        response.addHeader("Access-Control-Max-Age", "600")
        return .now(response)
    }
}
