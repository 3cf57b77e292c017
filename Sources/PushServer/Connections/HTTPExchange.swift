internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Logging
internal import Protocols
internal import WSLoop

/// HTTP with the clients of a loop: reads requests, has them routed and answered, and sends responses.
final class HTTPExchange {
    private static let continueResponse = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    private static let strayHeader =
        "this is a PROXY protocol header: use --listen proxy:ADDR for the address that the proxy connects to"

    private let context: LoopContext
    private let lives: ConnectionLives
    private let closing: Closing
    private let rates: MessageRates
    private let addresses: ClientAddresses
    private let webSockets: WebSocketExchange
    private let streams: StreamExchange
    private var date = HTTPDate()
    // Unchecked (docs/decisions/0009): read for each request or message.
    @safe @exclusivity(unchecked) private unowned var delegate: (any RequestDelegate)?

    init(
        _ context: LoopContext, _ lives: ConnectionLives, _ closing: Closing, _ rates: MessageRates,
        _ addresses: ClientAddresses, _ webSockets: WebSocketExchange, _ streams: StreamExchange
    ) {
        self.context = context
        self.lives = lives
        self.closing = closing
        self.rates = rates
        self.addresses = addresses
        self.webSockets = webSockets
        self.streams = streams
    }

    /// Sets the router that decides on requests and answers them; it must outlive the use of this object.
    func attach(_ delegate: any RequestDelegate) {
        self.delegate = delegate
    }

    /// Brings the Date header up to date.
    func tick() { date.refresh() }

    /// Reads input up to the end of one request, and answers it.
    func next(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        guard let requests = connection.requests else { return }
        let start = offset
        do throws(HTTPViolation) {
            switch try requests.next(input, from: &offset) {
            case .none:
                if !requests.isIdle { lives.tell(.requestBegun, connection) }
            case .head(let head, let expectsContinue):
                withoutPrefix(head) { decide($0, requests, connection, expectsContinue) }
            case .request(let request):
                withoutPrefix(request.head) { take($0, request.body, requests, connection) }
            }
        } catch {
            guard !refusesProxyHeader(input.extracting(start...), connection) else { return }
            // It may be a handshake, with a long URL or too many cookies; the browser shows its user no reason.
            context.log(
                "request refused", limitedBy: context.state.logLimits.unreadableRequests,
                ["status": "\(error.status.rawValue)", "reason": "\(message(of: error))"])
            refuse(.error(error.status, message(of: error)), connection)
        }
    }

    /// Answers a complete request.
    private func take(_ head: RequestHead, _ body: [UInt8], _ requests: RequestReader, _ connection: Connection) {
        if requests.route == nil { begin(head, requests, connection) }
        lives.tell(.requestComplete, connection)
        guard let route = requests.takeRoute(), admits(route, of: connection) else { return }
        answer(head, body, route, connection)
    }

    /// Decides on a request whose body follows.
    private func decide(
        _ head: RequestHead, _ requests: RequestReader, _ connection: Connection, _ expectsContinue: Bool
    ) {
        begin(head, requests, connection)
        switch requests.route {
        case .refused(let response): return refuse(response, connection)
        case .taken(let routed) where routed.isAnsweredOnHead:
            // Only the end of the connection says where the next request would begin.
            connection.endsAfterResponse = true
            return answer(head, [], .taken(routed), connection)
        default: break
        }
        if expectsContinue {
            context.hub.reply(connection.slot) { $0.append(contentsOf: HTTPExchange.continueResponse) }
        }
        lives.tell(.requestBegun, connection)
    }

    /// Calls `body` with the head below `--path-prefix`; a head without the prefix is passed as it is and not copied.
    @inline(__always)
    private func withoutPrefix(_ head: RequestHead, _ body: (RequestHead) -> Void) {
        if let prefix = context.settings.configuration.pathPrefix, let below = head.below(prefix) {
            body(below)
        } else {
            body(head)
        }
    }

    private func begin(_ head: RequestHead, _ requests: RequestReader, _ connection: Connection) {
        connection.endsAfterResponse = !head.keepsAlive
        connection.omitsBody = head.method == .head
        requests.sharedOrigin = context.settings.access.sharedOrigin(of: head)
        requests.route = delegate?.route(head, connection)
    }

    /// Counts a request; false if it comes too fast, and has been answered so.
    private func admits(_ route: Route, of connection: Connection) -> Bool {
        if case .taken(let routed) = route, !routed.isRateLimited { return true }
        guard !rates.admits(units: 1, of: connection) else { return true }
        if context.settings.configuration.rateExcess == .close { connection.endsAfterResponse = true }
        var response = Response.error(.tooManyRequests, rates.refusal.message)
        response.addHeader("Retry-After", "1")
        respond(response, to: connection)
        return false
    }

    private func answer(_ head: RequestHead, _ body: [UInt8], _ route: Route, _ connection: Connection) {
        switch route {
        case .refused(let response): respond(response, to: connection)
        case .taken(let routed):
            if let answer = delegate?.answer(head, body, routed, connection) { perform(answer, connection) }
        }
    }

    /// Does what an endpoint answers.
    func perform(_ answer: EndpointAnswer, _ connection: Connection) {
        switch answer {
        case .now(let response): respond(response, to: connection)
        case .upgrade(let acceptance, let own, let channels, let histories):
            webSockets.open(connection, acceptance, own, channels: channels, after: histories)
        case .stream(let isInGzip, let then): beginStream(on: connection, inGzip: isInGzip, then)
        case .later: break
        }
    }

    private func message(of violation: HTTPViolation) -> String {
        guard violation == .bodyTooLarge else { return violation.message }
        let limit = context.settings.configuration.maxPublishBytes
        return "\(violation.message): \(limit) bytes are allowed (--max-publish)"
    }
}

// MARK: - Responses

extension HTTPExchange {
    /// Sends a response, and ends the connection after it if it must not be kept.
    func respond(_ response: Response, to connection: Connection) {
        let closes =
            connection.endsAfterResponse || connection.life.isPeerFinished || context.state.lifecycle.phase == .draining
        let omitsBody = connection.omitsBody
        connection.omitsBody = false  // an unreadable next request is not a HEAD
        let response = shared(response, connection)
        connection.requests?.sharedOrigin = nil  // an unreadable next request has no origin
        let (date, keepAliveLines) = (date.text, context.settings.keepAliveLines)
        context.hub.reply(connection.slot) {
            response.encode(
                into: &$0, closing: closes, keepAlive: keepAliveLines, omittingBody: omitsBody, date: date)
        }
        if closes { closing.begin(connection) }
    }

    /// Sends the head of a response that ends with its connection, and opens the stream in it.
    private func beginStream(on connection: Connection, inGzip: Bool, _ then: (Connection) -> Void) {
        var response = shared(Response(.ok, contentType: EventStream.mediaType), connection)
        response.addHeader("Cache-Control", "no-store")
        response.addHeader("X-Accel-Buffering", "no")  // nginx passes each event on at once
        if inGzip {
            response.addHeader("Content-Encoding", "gzip")
            response.addHeader("Vary", "Accept-Encoding")
        }
        if let origin = connection.requests?.sharedOrigin, origin != "*", takesCookies {
            response.addHeader("Access-Control-Allow-Credentials", "true")
        }
        context.hub.reply(connection.slot) {
            response.encode(into: &$0, closing: true, isEndless: true, date: date.text)
        }
        streams.open(connection, inGzip: inGzip)
        then(connection)
        if context.state.lifecycle.phase == .draining { streams.end(connection, .drain) }
    }

    /// Whether a token may be in a cookie, which pages of other origins send only if the response allows it.
    private var takesCookies: Bool { context.settings.configuration.tokens?.cookie != nil }

    /// A response that pages of the request's origin may read, if they are allowed to.
    private func shared(_ response: Response, _ connection: Connection) -> Response {
        guard let origin = connection.requests?.sharedOrigin else { return response }
        var response = response
        response.share(with: origin)
        return response
    }

    /// Sends a response and ends the connection after it, because the next request's start is unknown.
    func refuse(_ response: Response, _ connection: Connection) {
        connection.endsAfterResponse = true
        respond(response, to: connection)
    }

    /// Refuses a connection that begins with a PROXY protocol header on an ordinary address; false if it does not.
    func refusesProxyHeader(_ input: RawSpan, _ connection: Connection) -> Bool {
        guard ProxyHeader.isAnnounced(by: input) else { return false }
        logRefusal(HTTPExchange.strayHeader, connection)
        refuse(.error(.badRequest, HTTPExchange.strayHeader), connection)
        return true
    }

    /// Logs why a connection is refused before its first request is read.
    func logRefusal(_ reason: String, _ connection: Connection) {
        context.log(
            "connection refused", limitedBy: context.state.logLimits.refusals,
            ["address": "\(addresses.logged(connection))", "reason": "\(reason)"])
    }
}
