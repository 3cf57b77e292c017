internal import Access
internal import HTTP

/// `/health`: how the server is; only an admin sees error texts, which may have addresses in them.
final class HealthEndpoint: ReadEndpoint {
    private let state: ServerState
    private let access: RequestAccess

    init(_ context: LoopContext, _ access: RequestAccess) {
        state = context.state
        self.access = access
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { head.isPath("/health") }

    func response(to head: RequestHead, _ connection: Connection) -> Response {
        let isForAdmin =
            access.servesAdmin(connection) && access.denial(of: head, for: .administer, connection) == nil
        return Reports.health(state, state.boards.totals(), tellsReasons: isForAdmin)
    }
}

/// `/health/live`: whether all loops turn.
final class LivenessEndpoint: ReadEndpoint {
    private let state: ServerState

    init(_ context: LoopContext) { state = context.state }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { head.isPath("/health/live") }

    func response(to head: RequestHead, _ connection: Connection) -> Response { Reports.liveness(state) }
}

/// `/health/ready`: whether a new client would be served.
final class ReadinessEndpoint: ReadEndpoint {
    private let state: ServerState

    init(_ context: LoopContext) { state = context.state }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { head.isPath("/health/ready") }

    func response(to head: RequestHead, _ connection: Connection) -> Response { Reports.readiness(state) }
}
