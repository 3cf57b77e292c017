internal import Access
internal import HTTP

/// `GET /sse`: the messages of channels as server-sent events.
final class EventStreamEndpoint: OpeningEndpoint {
    private let context: LoopContext
    private let openings: ClientOpenings

    init(_ context: LoopContext, _ openings: ClientOpenings) {
        self.context = context
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
            let isInGzip = head.acceptsGzip && context.settings.configuration.compresses
            return .eventStream(
                StreamWishes(
                    wrapsMessages: try wrapsMessages(head), isInGzip: isInGzip, lastEvent: try LastEvent(of: head)))
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

/// How a client wants its event stream.
struct StreamWishes {
    /// Whether it gets envelopes even of one channel.
    let wrapsMessages: Bool
    let isInGzip: Bool
    let lastEvent: LastEvent
}
