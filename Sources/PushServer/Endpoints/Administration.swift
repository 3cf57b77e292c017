internal import Access
internal import HTTP
internal import WSLoop

/// The endpoints for admins only: `/metrics`, and nothing yet below `/v1` and `/admin`.
final class Administration: Endpoint {
    private static let folders = ["/v1", "/admin"]

    private let state: ServerState
    private let access: RequestAccess

    init(_ context: LoopContext, _ access: RequestAccess) {
        state = context.state
        self.access = access
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        if head.isPath("/metrics") { return true }
        let path = head.path
        return Administration.folders.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        guard access.servesAdmin(connection) else { return .refused(.nothing) }
        if let refusal = access.refusal(of: head, for: .administer, connection) { return .refused(refusal) }
        guard head.isPath("/metrics") else { return .refused(.nothing) }
        guard head.method == .get || head.method == .head else { return .refused(.wrongMethod("GET, HEAD")) }
        return .taken(RoutedRequest())
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        .now(
            state.metrics.response(at: Loop.monotonicNanoseconds) {
                Metrics.response(state, state.boards.totals())
            })
    }
}
