internal import HTTP
internal import Logging
internal import Protocols
internal import WebSocket

/// Tells an operator about clients that do not get in: browsers tell their users nothing but 1006.
struct HandshakeLog {
    private let context: LoopContext
    private let addresses: ClientAddresses

    init(_ context: LoopContext, _ addresses: ClientAddresses) {
        self.context = context
        self.addresses = addresses
    }

    /// Logs why a handshake is refused.
    func refused(_ reason: String, _ head: RequestHead, _ connection: Connection) {
        context.log(
            "handshake refused", limitedBy: context.state.logLimits.refusals,
            described(head, connection, ["reason": "\(reason)"]))
    }

    /// Logs a parameter that has no effect.
    func noteUnknown(in head: RequestHead, _ transport: ClientTransport, _ connection: Connection) {
        if let name = try? head.queryName(besides: transport.parameters) {
            let known = transport.parameters.map { "\($0)" }.joined(separator: ", ")
            context.log(
                "handshake with an unknown parameter", limitedBy: context.state.logLimits.unknownParameters,
                described(head, connection, ["parameter": "\(HandshakeLog.loggable(name))", "known": "\(known)"]))
        }
    }

    /// Logs a list without a known subprotocol: a browser then gives up.
    func noteSubprotocols(of head: RequestHead, _ transport: ClientTransport, _ connection: Connection) {
        if case .webSocket(let acceptance) = transport, acceptance.subprotocol == nil,
            head.count(of: "sec-websocket-protocol") > 0
        {
            let names = TokenCarriers.withoutToken(head.listValues(of: "sec-websocket-protocol"))
            let offered = HandshakeLog.loggable(names.joined(separator: ", "))
            let known = ClientProtocols.subprotocols.joined(separator: ", ")
            context.log(
                "handshake without a known subprotocol", limitedBy: context.state.logLimits.unknownSubprotocols,
                described(
                    head, connection, ["offered": "\(offered)", "known": "\(known)"]))
        }
    }

    private func described(
        _ head: RequestHead, _ connection: Connection, _ details: Logger.Metadata
    ) -> Logger.Metadata {
        let client: Logger.Metadata = [
            "address": "\(addresses.logged(connection, head))",
            "host": "\(HandshakeLog.loggable(head.host))",
            "origin": "\(HandshakeLog.loggable(head.value(of: "origin")))",
        ]
        return client.merging(details) { $1 }
    }

    /// The beginning of a client's text, because a head may have 16 KiB.
    static func loggable(_ text: String?) -> String {
        guard let text else { return "none" }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(200)))
    }
}

extension ClientTransport {
    private static let ofWebSockets: [StaticString] = [
        "channel", "user_id", "context_takeover", "hello", "recover", "history", "presence", TokenCarriers.parameter,
    ]
    private static let ofEventStreams: [StaticString] = [
        "channel", "user_id", "envelope", "recover", "history", "last_event_id", "presence", TokenCarriers.parameter,
    ]

    /// The parameters that the query may have.
    fileprivate var parameters: [StaticString] {
        switch self {
        case .webSocket: ClientTransport.ofWebSockets
        case .eventStream: ClientTransport.ofEventStreams
        case .session: []
        }
    }
}

extension QueryViolation {
    /// One sentence for the response.
    var message: String {
        switch self {
        case .badPercentEscape:
            "the query is not percent-encoded: two hexadecimal digits follow a %, and a percent sign itself is %25"
        case .badUTF8: "the query is not UTF-8 once it is decoded"
        }
    }
}
