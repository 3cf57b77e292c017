internal import HTTP
internal import Logging
internal import WSLoop
internal import WebSocket

// What an operator is told about handshakes: browsers tell their users nothing but 1006.
extension Worker {
    /// Tells why a client does not get in.
    func logHandshakeRefusal(_ reason: String, of head: RequestHead, _ connection: Connection) {
        log("handshake refused", of: head, connection, ["reason": "\(reason)"], state.refusalLines)
    }

    /// Tells of a parameter that means nothing, and of subprotocols of which none is spoken: a browser then gives up.
    func noteUnknown(in head: RequestHead, _ acceptance: Handshake.Acceptance, _ connection: Connection) {
        guard case .channels = state.configuration.endpoint else { return }
        if let name = try? head.queryName(besides: Worker.handshakeParameters) {
            let known = Worker.handshakeParameters.map { "\($0)" }.joined(separator: ", ")
            log(
                "handshake with an unknown parameter", of: head, connection,
                ["parameter": "\(Worker.loggable(name))", "known": "\(known)"], state.parameterLines)
        }
        if acceptance.subprotocol == nil, head.count(of: "sec-websocket-protocol") > 0 {
            log(
                "handshake without a known subprotocol", of: head, connection,
                [
                    "offered": "\(Worker.loggable(head.value(of: "sec-websocket-protocol")))",
                    "known": "\(Worker.envelopeSubprotocol)",
                ], state.subprotocolLines)
        }
    }

    private static let handshakeParameters: [StaticString] = ["channel", "user_id", "context_takeover"]

    /// One line a second at `notice`, the others at `debug`.
    private func log(
        _ message: Logger.Message, of head: RequestHead, _ connection: Connection, _ details: Logger.Metadata,
        _ lines: borrowing LineLimit
    ) {
        let isNews = lines.admitsLine(atNanoseconds: Loop.monotonicNanoseconds)
        guard isNews || state.logger.logLevel <= .debug else { return }
        let peer: Logger.Metadata = [
            "address": "\(loggedAddress(connection, head))",
            "host": "\(Worker.loggable(head.host))", "origin": "\(Worker.loggable(head.value(of: "origin")))",
        ]
        state.logger.log(level: isNews ? .notice : .debug, message, metadata: peer.merging(details) { $1 })
    }

    /// The beginning of what a client sent: a head may have 16 KiB.
    static func loggable(_ text: String?) -> String {
        guard let text else { return "none" }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(200)))
    }
}

extension QueryViolation {
    /// One sentence for the answer.
    var message: String {
        switch self {
        case .badPercentEscape:
            "the query is not percent-encoded: two hexadecimal digits follow a %, and a percent sign itself is %25"
        case .badUTF8: "the query is not UTF-8 once it is decoded"
        }
    }
}
