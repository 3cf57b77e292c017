internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols
internal import WSLoop

/// `GET` and `DELETE /v1/channels/C/history`: the last messages of a channel.
final class HistoryEndpoint: Endpoint {
    private static let path = APIPath("/v1/channels/*/history")
    private static let defaultLimit = 100

    private let state: ServerState

    init(_ context: LoopContext) { state = context.state }

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
            return .now(response(channel, head.method == .delete ? nil : last))
        } catch {
            return .now(error.response)
        }
    }

    /// - Parameter last: how many messages are wanted; nil to drop them all.
    private func response(_ channel: String, _ last: Int?) -> Response {
        guard let limits = state.settings.access.channels.history(of: channel) else { return .noHistory }
        if last == nil { state.directory.clearHistory(of: channel) }
        let lookup = HistoryLookup(of: channel, limits, HistoryRequest(last: last ?? 0))
        let reading = state.directory.read(lookup, at: Loop.monotonicNanoseconds)
        return .json(HistoryText.json(of: channel, reading, id: []))
    }
}
