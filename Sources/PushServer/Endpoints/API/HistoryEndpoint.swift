internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols

/// `GET` and `DELETE /v1/channels/C/history`: the last messages of a channel.
final class HistoryEndpoint: Endpoint {
    private static let path = APIPath("/v1/channels/*/history")
    private static let defaultLimit = 100

    private let state: ServerState
    private let http: HTTPExchange
    private let queries: ChannelQueries

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner) {
        state = context.state
        http = connections.http
        queries = commands.queries
    }

    var purpose: AccessRules.Purpose? { .administer }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { HistoryEndpoint.path.matches(head) }

    func route(_ head: RequestHead, _ connection: Connection) -> Route {
        guard head.method == .get || head.method == .head || head.method == .delete else {
            return .refused(.wrongMethod("GET, HEAD, DELETE"))
        }
        return .taken(RoutedRequest())
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        do throws(BadRequest) {
            try head.allowParameters("limit")
            let channel = try HistoryEndpoint.path.argument(of: head)
            if let problem = ChannelName.problem(with: channel) { throw BadRequest("the channel's name \(problem)") }
            let last = try head.messageCount("limit") ?? HistoryEndpoint.defaultLimit
            guard let limits = state.settings.access.channels.history(of: channel) else { return .now(.noHistory) }
            let isDelete = head.method == .delete
            let lookup = HistoryLookup(of: channel, limits, HistoryRequest(last: isDelete ? 0 : last))
            return isDelete ? clear(lookup, connection) : read(lookup, connection)
        } catch {
            return .now(error.response)
        }
    }

    private func read(_ lookup: HistoryLookup, _ connection: Connection) -> EndpointAnswer {
        queries.answer(lookup, over: http, connection) { .json(HistoryText.json(of: lookup.channel, $0, id: [])) }
    }

    private func clear(_ lookup: HistoryLookup, _ connection: Connection) -> EndpointAnswer {
        let isDone = queries.clearHistory(of: lookup.channel, for: connection) { [self] result in
            if case .failure(let refusal) = result {
                return http.respond(.unavailable(refusal.message), to: connection)
            }
            http.perform(read(lookup, connection), connection)
        }
        return isDone ? read(lookup, connection) : .later
    }
}
