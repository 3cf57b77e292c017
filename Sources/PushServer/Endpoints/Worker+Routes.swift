internal import Access
internal import Channels
internal import HTTP
internal import WSLoop

/// What becomes of a request, decided on its head.
enum Route {
    case open
    case publish(channel: String, key: String?)
    case read(() -> Response)
    case post(@Sendable ([UInt8]) -> [UInt8])
    case refusal(Response)
}

// Which request gets what, decided on its head alone, before a byte of its body is read.
extension Worker {
    private static let nothing = Response.error(
        .notFound, "there is nothing here; see /health, /health/live, /health/ready, /metrics, /publish and /ws")

    /// The one place where it is decided whether a request is allowed.
    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        let isAdminAddress = connection.peer.contains(.admin)
        if !isAdminAddress, isForWebSocket(head) { return .open }
        let isForPublishing = !isAdminAddress && head.isPath("/publish")
        if isForPublishing, head.method == .post { return publishRoute(head, connection) }
        if let refusal = refusal(of: head, for: .read, connection) { return .refusal(refusal) }
        if !isAdminAddress, head.hasToken("websocket", in: "upgrade") { return noWebSocketHere(head, connection) }
        if isAllowedPreflight(head) { return .read { .preflight } }
        if head.method == .post, let answer = state.configuration.posts[head.path] { return .post(answer) }
        if isForPublishing { return .refusal(wrongMethodForPublishing(head, connection)) }
        if Worker.isForAdmin(head) { return adminRoute(head, connection) }
        return read(head, readable(head, connection))
    }

    private func isAllowedPreflight(_ head: RequestHead) -> Bool {
        head.method == .options && head.count(of: "access-control-request-method") > 0
            && state.access.sharedOrigin(of: head) != nil
    }

    /// Why a request is refused, as its answer; nil if it is not.
    func refusal(of head: RequestHead, for purpose: AccessRules.Purpose, _ connection: Connection) -> Response? {
        state.access.denial(of: head, from: peer(of: head, connection), for: purpose).map { Response($0) }
    }

    private func isForWebSocket(_ head: RequestHead) -> Bool {
        if case .answering = state.configuration.endpoint, head.count(of: "upgrade") > 0 { return true }
        return head.isPath("/ws")
    }

    private static func isForAdmin(_ head: RequestHead) -> Bool {
        if head.isPath("/metrics") { return true }
        let path = head.path
        return ["/v1", "/admin"].contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    private func adminRoute(_ head: RequestHead, _ connection: Connection) -> Route {
        guard state.access.servesAdmin(on: connection.peer) else { return .refusal(Worker.nothing) }
        if let refusal = refusal(of: head, for: .administer, connection) { return .refusal(refusal) }
        return read(head, head.isPath("/metrics") ? metrics : nil)
    }

    private func read(_ head: RequestHead, _ response: (() -> Response)?) -> Route {
        guard let response else { return .refusal(Worker.nothing) }
        guard head.method == .get || head.method == .head else { return .refusal(Worker.wrongMethod("GET, HEAD")) }
        return .read(response)
    }

    /// What a path that is only read answers with; nil if there is no such path.
    private func readable(_ head: RequestHead, _ connection: Connection) -> (() -> Response)? {
        if head.isPath("/health") {
            let isForAdmin =
                state.access.servesAdmin(on: connection.peer)
                && state.access.denial(of: head, from: peer(of: head, connection), for: .administer) == nil
            return { [state] in Reports.health(state, state.boards.totals(), tellsReasons: isForAdmin) }
        }
        if head.isPath("/health/live") { return { [state] in Reports.liveness(state) } }
        if head.isPath("/health/ready") { return { [state] in Reports.readiness(state) } }
        guard !connection.peer.contains(.admin), let page = state.page(head) else { return nil }
        if let prefix = state.configuration.pathPrefix, head.hasEmptyPath {
            return { .redirect(to: prefix, query: head.query) }
        }
        return { Response(page) }
    }

    private func metrics() -> Response {
        state.metrics.response(at: Loop.monotonicNanoseconds) { Metrics.response(state, state.boards.totals()) }
    }

    /// A browser would be told nothing of an answer that is no handshake.
    private func noWebSocketHere(_ head: RequestHead, _ connection: Connection) -> Route {
        let reason = "the WebSocket is at /ws"
        counters.handshakes[HandshakeResult(.notFound).rawValue] += 1
        logHandshakeRefusal(reason, of: head, connection)
        return .refusal(.error(.notFound, reason))
    }

    static func wrongMethod(_ allowed: String, example: String = "") -> Response {
        var response = Response.error(.methodNotAllowed, "this path takes \(allowed)\(example)")
        response.addHeader("Allow", allowed)
        return response
    }
}
