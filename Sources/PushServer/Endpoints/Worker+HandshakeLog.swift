internal import HTTP
internal import Logging
internal import Protocols
internal import WSLoop
internal import WebSocket

// What an operator is told about clients that do not get in: browsers tell their users nothing but 1006.
extension Worker {
    /// Logs one line a second at `notice`, and the others at `debug`.
    func log(
        _ message: Logger.Message, limitedBy lines: borrowing LineLimit,
        _ metadata: @autoclosure () -> Logger.Metadata
    ) {
        let isFirst = lines.admitsLine(atNanoseconds: Loop.monotonicNanoseconds)
        state.logger.log(level: isFirst ? .notice : .debug, message, metadata: metadata())
    }

    /// Tells why a connection is refused before its first request is read.
    func logConnectionRefusal(_ reason: String, _ connection: Connection) {
        log(
            "connection refused", limitedBy: state.logLimits.refusals,
            ["address": "\(loggedAddress(connection))", "reason": "\(reason)"])
    }

    /// Tells why a handshake is refused.
    func logHandshakeRefusal(_ reason: String, of head: RequestHead, _ connection: Connection) {
        log(
            "handshake refused", limitedBy: state.logLimits.refusals,
            described(head, connection, ["reason": "\(reason)"]))
    }

    /// Tells of a parameter that has no effect, and of a list without a known subprotocol: a browser then gives up.
    func noteUnknown(in head: RequestHead, _ acceptance: Handshake.Acceptance, _ connection: Connection) {
        guard case .channels = state.configuration.endpoint else { return }
        if let name = try? head.queryName(besides: Worker.handshakeParameters) {
            let known = Worker.handshakeParameters.map { "\($0)" }.joined(separator: ", ")
            log(
                "handshake with an unknown parameter", limitedBy: state.logLimits.unknownParameters,
                described(head, connection, ["parameter": "\(Worker.loggable(name))", "known": "\(known)"]))
        }
        if acceptance.subprotocol == nil, head.count(of: "sec-websocket-protocol") > 0 {
            let offered = Worker.loggable(head.value(of: "sec-websocket-protocol"))
            let known = ClientProtocols.subprotocols.joined(separator: ", ")
            log(
                "handshake without a known subprotocol", limitedBy: state.logLimits.unknownSubprotocols,
                described(head, connection, ["offered": "\(offered)", "known": "\(known)"]))
        }
    }

    private static let handshakeParameters: [StaticString] = ["channel", "user_id", "context_takeover"]

    private func described(
        _ head: RequestHead, _ connection: Connection, _ details: Logger.Metadata
    ) -> Logger.Metadata {
        let client: Logger.Metadata = [
            "address": "\(loggedAddress(connection, head))",
            "host": "\(Worker.loggable(head.host))", "origin": "\(Worker.loggable(head.value(of: "origin")))",
        ]
        return client.merging(details) { $1 }
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
