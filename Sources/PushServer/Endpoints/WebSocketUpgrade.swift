internal import Access
internal import HTTP
internal import Protocols
internal import WebSocket

/// `/ws`: opens WebSockets, with the channels that the query names.
final class WebSocketUpgrade: OpeningEndpoint {
    private let openings: ClientOpenings
    private let context: LoopContext

    init(_ context: LoopContext, _ openings: ClientOpenings) {
        self.openings = openings
        self.context = context
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        guard !peer.contains(.admin) else { return false }
        return head.isPath("/ws") || (!openings.hasChannels && head.count(of: "upgrade") > 0)
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        openings.answer(head, connection) { [self] head throws(UpgradeRefusal) in .webSocket(try accept(head)) }
    }

    private func accept(_ head: RequestHead) throws(UpgradeRefusal) -> Handshake.Acceptance {
        do throws(HandshakeViolation) {
            return try Handshake.accept(
                head, subprotocols: openings.hasChannels ? ClientProtocols.subprotocols : [],
                fallback: context.settings.tokens == nil ? nil : TokenCarriers.subprotocol,
                deflate: deflatePolicy(head))
        } catch {
            throw UpgradeRefusal(error)
        }
    }

    /// The extension's offer cannot insist on a context, so the query can.
    private func deflatePolicy(_ head: RequestHead) -> DeflateAgreement.Policy {
        guard context.settings.configuration.compresses else { return .off }
        let keepsContext = (try? head.queryValues(of: "context_takeover")) == ["1"]
        return keepsContext ? .withClientContext : .withoutContext
    }
}

/// A handshake on another path is logged, because a browser shows nothing of a response that is not a handshake.
final class MisplacedUpgrade: Endpoint {
    private static let reason = "the WebSocket is at /ws"

    private let context: LoopContext
    private let log: HandshakeLog

    init(_ context: LoopContext, _ log: HandshakeLog) {
        self.context = context
        self.log = log
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        !peer.contains(.admin) && head.hasToken("websocket", in: "upgrade")
    }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        context.counters.handshakes[HandshakeResult(.notFound).rawValue] += 1
        log.refused(MisplacedUpgrade.reason, head, connection)
        return .refused(.error(.notFound, MisplacedUpgrade.reason))
    }
}
