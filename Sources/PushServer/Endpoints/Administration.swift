internal import Access
internal import HTTP
internal import WSLoop

/// The endpoints for admins only: `/metrics`, and nothing yet below `/v1` and `/admin`.
final class Administration: ReadEndpoint {
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
        return head.isPath("/metrics") ? .reading(head) : .refused(.nothing)
    }

    func response(to head: RequestHead, _ connection: Connection) -> Response {
        state.metrics.response(at: Loop.monotonicNanoseconds) { Metrics.response(state, state.boards.totals()) }
    }
}
