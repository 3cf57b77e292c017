internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols

/// `GET /position`: the place of a channel's last message, for clients that may subscribe to the channel.
///
/// A client that reads the position, then its state, and then subscribes from that position misses nothing.
final class PositionEndpoint: Endpoint {
    private let context: LoopContext
    private let authenticator: Authenticator
    private let http: HTTPExchange
    private let queries: ChannelQueries

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner) {
        self.context = context
        http = connections.http
        queries = commands.queries
        authenticator = Authenticator(context)
    }

    var purpose: AccessRules.Purpose? { .connect }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { head.isPath("/position") && !peer.contains(.admin) }

    func route(_ head: RequestHead, _ connection: Connection) -> Route { .reading(head) }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        do throws(BadRequest) {
            try head.allowParameters("channel", TokenCarriers.parameter)
            guard let channel = try head.name("channel") else { throw BadRequest("add ?channel=NAME to the URL") }
            return answer(head, channel, connection)
        } catch {
            return .now(error.response)
        }
    }

    private func answer(_ head: RequestHead, _ channel: String, _ connection: Connection) -> EndpointAnswer {
        let rules = context.settings.access.channels
        do throws(UpgradeRefusal) {
            let identity = try authenticator.identity(of: head)
            if let denial = rules.decision(to: .subscribe, channel, by: identity).denial {
                return .now(Response(Denial(denial, of: channel)))
            }
        } catch {
            return .now(error.response)
        }
        guard let limits = rules.history(of: channel) else { return .now(.noHistory) }
        let lookup = HistoryLookup(of: channel, limits, HistoryRequest())
        return queries.answer(lookup, over: http, connection) { PositionEndpoint.response(channel, $0) }
    }

    private static func response(_ channel: String, _ reading: HistoryReading) -> Response {
        var body = JSONObjectWriter()
        body.member("channel", channel)
        if let position = reading.position { HistoryText.add(position, to: &body) }
        return .json(body.finish())
    }
}

extension Response {
    /// The response to a question about the history of a channel that keeps none.
    static let noHistory = Response.error(.notFound, "this channel keeps no history (--channel)")
}
