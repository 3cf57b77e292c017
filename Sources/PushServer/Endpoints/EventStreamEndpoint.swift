internal import Access
internal import HTTP

/// `GET /sse`: the messages of channels as server-sent events.
final class EventStreamEndpoint: OpeningEndpoint {
    private let openings: ClientOpenings

    init(_ openings: ClientOpenings) {
        self.openings = openings
    }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        !peer.contains(.admin) && openings.hasChannels && head.isPath("/sse")
    }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        guard head.method == .get else { return .refused(.wrongMethod("GET")) }
        return .taken(RoutedRequest(isAnsweredOnHead: true))
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        openings.answer(head, connection) { [self] head throws(UpgradeRefusal) in
            .eventStream(wrapsMessages: try wrapsMessages(head), after: try LastEvent(of: head))
        }
    }

    private func wrapsMessages(_ head: RequestHead) throws(UpgradeRefusal) -> Bool {
        let value: String?
        do throws(BadRequest) { value = try head.parameter("envelope") } catch { throw .badRequest(error.reason) }
        switch value {
        case nil, "0": return false
        case "1": return true
        default: throw .badRequest("envelope= is 0 or 1")
        }
    }
}
