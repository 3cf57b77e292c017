internal import Access
internal import HTTP
internal import WSLoop

/// `/metrics`.
final class MetricsEndpoint: ReadEndpoint {
    private let state: ServerState

    init(_ context: LoopContext) { state = context.state }

    var purpose: AccessRules.Purpose? { .administer }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { head.isPath("/metrics") }

    func response(to head: RequestHead, _ connection: Connection) -> Response {
        state.metrics.response(at: Loop.monotonicNanoseconds) { Metrics.response(state, state.boards.totals()) }
    }
}

/// Other paths below `/v1` and `/admin`: only an admin learns that nothing is there.
final class AdminPaths: Endpoint {
    private static let folders = ["/v1", "/admin"]

    var purpose: AccessRules.Purpose? { .administer }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        let path = head.path
        return AdminPaths.folders.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    func route(_ head: RequestHead, _ connection: Connection) -> Route { .refused(.nothing) }
}
