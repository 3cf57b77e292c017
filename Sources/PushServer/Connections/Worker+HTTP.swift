internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Logging
internal import WSLoop

extension Worker {
    private static let continueResponse = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Takes input up to the end of one request, and answers it.
    func nextRequest(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        guard let requests = connection.requests else { return }
        let start = offset
        do throws(HTTPViolation) {
            switch try requests.next(input, from: &offset) {
            case .none:
                if !requests.isIdle { tell(.requestBegun, connection) }
            case .head(let head, let expectsContinue):
                begin(head, connection)
                switch requests.route {
                case .refusal(let response): return refuseUnread(response, connection)
                case .open: return refuseUpgradeWithBody(head, connection)
                default: break
                }
                if expectsContinue { hub.reply(connection.slot) { $0.append(contentsOf: Worker.continueResponse) } }
                tell(.requestBegun, connection)
            case .request(let request):
                if requests.route == nil { begin(request.head, connection) }
                tell(.requestComplete, connection)
                if let route = requests.takeRoute(), admits(route, of: connection) {
                    answer(request, route, connection)
                }
            }
        } catch {
            guard !refusesProxyHeader(input.extracting(start...), connection) else { return }
            // It may be a handshake, with a long URL or too many cookies, of which a browser tells its user nothing.
            log(
                "request refused", limitedBy: state.logLimits.unreadableRequests,
                ["status": "\(error.status.rawValue)", "reason": "\(message(of: error))"])
            connection.endsAfterResponse = true
            respond(.error(error.status, message(of: error)), to: connection)
        }
    }

    private func message(of violation: HTTPViolation) -> String {
        guard violation == .bodyTooLarge else { return violation.message }
        return "\(violation.message): \(requestLimits.bodyBytes) bytes are allowed (--max-publish)"
    }

    /// Sends a response, and ends the connection behind it if it must not be kept.
    func respond(_ response: Response, to connection: Connection) {
        let isDraining = state.lifecycle.phase == .draining
        let closing = connection.endsAfterResponse || connection.life.isPeerFinished || isDraining
        let omitsBody = connection.omitsBody
        connection.omitsBody = false  // an unreadable next request is no HEAD
        var response = response
        if let origin = connection.requests?.sharedOrigin { response.share(with: origin) }
        connection.requests?.sharedOrigin = nil  // an unreadable next request has no origin
        let date = date.text
        hub.reply(connection.slot) {
            response.encode(
                into: &$0, closing: closing, keepAlive: keepAliveLines, omittingBody: omitsBody, date: date)
        }
        if closing { beginClosing(connection) }
    }

    /// Decides on a request's head alone what becomes of it.
    private func begin(_ asked: RequestHead, _ connection: Connection) {
        var head = asked
        if let pathPrefix, let below = asked.below(pathPrefix) { head = below }
        connection.endsAfterResponse = !head.keepsAlive
        connection.omitsBody = head.method == .head
        connection.requests?.sharedOrigin = state.access.sharedOrigin(of: head)
        connection.requests?.route = route(head, connection)
    }

    /// Refuses a request of whose body nothing was read: only the end of the connection says where the next would begin.
    private func refuseUnread(_ response: Response, _ connection: Connection) {
        connection.endsAfterResponse = true
        respond(response, to: connection)
    }

    /// A handshake with a body is an error (RFC 6455 section 4.1), which needs none of the body to be told.
    private func refuseUpgradeWithBody(_ head: RequestHead, _ connection: Connection) {
        connection.endsAfterResponse = true
        open(head, connection)
    }

    /// Answers a request that has wholly arrived.
    private func answer(_ request: Request, _ route: Route, _ connection: Connection) {
        switch route {
        case .open: open(request.head, connection)
        case .read(let response): respond(response(), to: connection)
        case .post(let answer):
            respond(Response(.ok, contentType: "application/octet-stream", body: answer(request.body)), to: connection)
        case .refusal(let response): respond(response, to: connection)
        case .publish(let channel, let key):
            publish(
                request.body, to: channel, key: key, from: .http, for: connection,
                then: .answerPublish(channel: channel))
        }
    }
}

extension Response {
    /// An error in the form of all of them: `{"error":"…"}`.
    static func error(_ status: HTTPStatus, _ message: String) -> Response {
        Response(status, contentType: "application/json", body: ErrorBody.json(message))
    }

    /// The answer to a request that is not allowed.
    init(_ denial: Denial) {
        self = .error(denial.status, denial.message)
        switch denial.status {
        case .unauthorized: addHeader("WWW-Authenticate", "Bearer")
        case .serviceUnavailable: addHeader("Retry-After", "1")
        default: break
        }
    }

    /// Lets pages of an origin read the answer.
    mutating func share(with origin: String) {
        addHeader("Access-Control-Allow-Origin", origin)
        if origin != "*" { addHeader("Vary", "Origin") }
    }

    /// A page, which shows and runs its own content only.
    ///
    /// It may stand in no frame, where a user could click on it without seeing it.
    init(_ page: Page) {
        self.init(.ok, contentType: page.contentType, body: page.body)
        addHeader("Content-Security-Policy", page.contentSecurityPolicy)
        addHeader("X-Frame-Options", "DENY")
    }

    /// Leave for a page's script to send what needs to be asked for first (Fetch standard, CORS-preflight request).
    static var preflight: Response {
        var response = Response(.noContent)
        response.addHeader("Access-Control-Allow-Methods", "GET, HEAD, POST")
        response.addHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, X-API-Key")
        response.addHeader("Access-Control-Max-Age", "600")
        return response
    }

    /// Leads from a prefix to the page below it, whose relative addresses need the slash.
    static func redirect(to prefix: PathPrefix, query: String?) -> Response {
        var response = Response(.permanentRedirect)
        response.addHeader("Location", prefix.directory + (query.map { "?\($0)" } ?? ""))
        return response
    }

    /// A refusal for the time being.
    static func unavailable(_ message: String) -> Response {
        var response = Response.error(.serviceUnavailable, message)
        response.addHeader("Retry-After", "1")
        return response
    }
}
