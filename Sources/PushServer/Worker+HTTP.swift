internal import Bytes
internal import Channels
internal import HTTP
internal import Logging
internal import WSLoop

extension Worker {
    /// How long an idle connection is kept for a next request, as in nginx.
    private static let keepAliveTicks = Worker.ticks(.seconds(75))
    private static let continueResponse = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Takes input up to the end of one request, and answers it.
    func nextRequest(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        guard let requests = connection.requests else { return }
        do throws(HTTPViolation) {
            switch try requests.next(input, from: &offset) {
            case .none:
                if connection.deadline != .request, !requests.isIdle {
                    schedule(.request, connection, afterTicks: handshakeTicks)
                }
            case .expectsContinue:
                hub.reply(connection.slot) { $0.append(contentsOf: Worker.continueResponse) }
            case .request(let request):
                connection.endsAfterResponse = !request.head.keepsAlive
                connection.omitsBody = request.head.method == .head
                schedule(.keepAlive, connection, afterTicks: Worker.keepAliveTicks)
                route(request, connection)
            }
        } catch {
            connection.endsAfterResponse = true
            respond(.error(error.status, error.message), to: connection)
        }
    }

    /// Sends a response, and ends the connection behind it if it must not be kept.
    func respond(_ response: Response, to connection: Connection) {
        let closing = connection.endsAfterResponse || connection.peerEnded || state.phase == .draining
        let omitsBody = connection.omitsBody
        connection.omitsBody = false  // an unreadable next request is no HEAD
        let date = date.text
        hub.reply(connection.slot) { response.encode(into: &$0, closing: closing, omittingBody: omitsBody, date: date) }
        if closing { beginClosing(connection, isComplete: true) }
    }

    /// A request that was begun but not finished in time is answered; silence is not.
    func requestTimedOut(_ connection: Connection) {
        // Redis is asked: it, too, has a time limit.
        guard connection.pending == nil else {
            return schedule(.request, connection, afterTicks: Worker.ticks(.seconds(2)))
        }
        guard connection.phase == .http, connection.requests?.isIdle == false else { return close(connection) }
        connection.endsAfterResponse = true
        respond(.error(.requestTimeout, "the request did not arrive in time"), to: connection)
    }

    private func route(_ request: Request, _ connection: Connection) {
        let head = request.head
        if case .answering = state.configuration.endpoint, head.count(of: "upgrade") > 0 {
            return open(head, connection)
        }
        if head.isPath("/ws") {
            open(head, connection)
        } else if head.isPath("/publish") {
            guard head.method == .post else { return refuseMethod("POST", connection) }
            publish(request, connection)
        } else if let response = readable(head) {
            guard head.method == .get || head.method == .head else { return refuseMethod("GET, HEAD", connection) }
            respond(response(), to: connection)
        } else {
            respond(.error(.notFound, "there is nothing here; see /health, /metrics, /publish and /ws"), to: connection)
        }
    }

    /// What a path that is only read answers with; nil if there is no such path.
    private func readable(_ head: RequestHead) -> (() -> Response)? {
        if head.isPath("/health") { return health }
        if head.isPath("/health/live") { return liveness }
        if head.isPath("/health/ready") { return readiness }
        if head.isPath("/metrics") { return metrics }
        let page = state.page(head)
        return page.map { page in { Response(.ok, contentType: page.contentType, body: page.body) } }
    }

    private func refuseMethod(_ allowed: String, _ connection: Connection) {
        var response = Response.error(.methodNotAllowed, "this path takes \(allowed)")
        response.addHeader("Allow", allowed)
        respond(response, to: connection)
    }

    private func health() -> Response { Reports.health(state, state.totals()) }
    private func liveness() -> Response { Reports.liveness(state) }
    private func readiness() -> Response { Reports.readiness(state) }
    private func metrics() -> Response { Metrics.response(state, state.totals()) }

    private func publish(_ request: Request, _ connection: Connection) {
        guard state.originPolicy.admits(request.head) else {
            return respond(.error(.forbidden, OriginPolicy.refusal), to: connection)
        }
        if let refusal = state.publishPolicy.verdict(on: request.head, isLocal: connection.isLocal).refusal {
            return respond(refusal, to: connection)
        }
        guard let channels = try? request.head.queryValues(of: "channel"), let channel = channels.first,
            channels.count == 1, ChannelName.isValid(channel)
        else {
            return respond(.error(.badRequest, "publish needs one channel= of 1 to 255 bytes of UTF-8"), to: connection)
        }
        guard let keys = try? request.head.queryValues(of: "key"), keys.count <= 1,
            keys.allSatisfy({ ChannelName.isValid($0) })
        else {
            return respond(.error(.badRequest, "key= is one text of 1 to 255 bytes of UTF-8"), to: connection)
        }
        guard keys.isEmpty || carriesKeys else {
            return respond(.error(.badRequest, Worker.keyRefusal), to: connection)
        }
        publish(
            request.body, to: channel, key: keys.first, from: .http, for: connection,
            then: .answerPublish(channel: channel))
    }
}

extension Response {
    /// An error in the form of all of them: `{"error":"…"}`.
    static func error(_ status: HTTPStatus, _ message: String) -> Response {
        Response(status, contentType: "application/json", body: ServerReply.error(message))
    }

    /// A refusal for the time being.
    static func unavailable(_ message: String) -> Response {
        var response = Response.error(.serviceUnavailable, message)
        response.addHeader("Retry-After", "1")
        return response
    }
}

extension PublishPolicy.Verdict {
    /// The answer to whoever may not publish; nil if it may.
    var refusal: Response? {
        switch self {
        case .allowed:
            return nil
        case .wrongKey, .keyNeeded:
            let what =
                self == .wrongKey ? "the publish key is wrong" : "publishing needs a key: Authorization: Bearer KEY"
            var response = Response.error(.unauthorized, what)
            response.addHeader("WWW-Authenticate", "Bearer")
            return response
        case .onlyLocal:
            return .error(.forbidden, "publishing from other machines needs pushd to be started with --publish-key")
        }
    }
}
