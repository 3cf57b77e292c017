internal import Access
internal import HTTP
internal import Protocols
internal import WSLoop
internal import WebSocket

/// `/app/KEY`: opens WebSockets for Pusher's clients.
final class PusherUpgrade: OpeningEndpoint {
    private static let path = APIPath("/app/*")

    private let openings: ClientOpenings
    private let context: LoopContext

    init(_ context: LoopContext, _ openings: ClientOpenings) {
        self.openings = openings
        self.context = context
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        !apps.isEmpty && !peer.contains(.admin) && PusherUpgrade.path.matches(head)
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        openings.answer(head, connection) { [self] head throws(UpgradeRefusal) in
            .session(try accept(head), ownSession(for: head, connection))
        }
    }

    private func accept(_ head: RequestHead) throws(UpgradeRefusal) -> Handshake.Acceptance {
        do throws(HandshakeViolation) {
            return try Handshake.accept(
                head, deflate: context.settings.configuration.compresses ? .withoutContext : .off)
        } catch {
            throw UpgradeRefusal(error)
        }
    }

    /// What a client asks for that is not there, it is told in a Close frame: after a refused handshake it would come
    /// back for ever.
    private func ownSession(for head: RequestHead, _ connection: Connection) -> OwnSession {
        let id = context.id(of: connection)
        let socket = SocketID(
            node: id.node, loop: UInt16(id.loop), slot: id.key.slot, generation: id.key.generation)
        do throws(PusherRefusal) {
            return OwnSession(spoken: ClientProtocols.indexOfPusher, PusherSession(try app(of: head), socket))
        } catch {
            return OwnSession(
                spoken: ClientProtocols.indexOfPusher, PusherSession(nil, socket), refusal: error)
        }
    }

    private func app(of head: RequestHead) throws(PusherRefusal) -> PusherApp {
        let key = try? PusherUpgrade.path.argument(of: head)
        guard let app = apps.first(where: { $0.key == key }) else { throw .unknownApp }
        try PusherRefusal.check(version: try? head.queryValues(of: "protocol").first)
        return app
    }

    private var apps: [PusherApp] { context.settings.configuration.pusherApps }
}
