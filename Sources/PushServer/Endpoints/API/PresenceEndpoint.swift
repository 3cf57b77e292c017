internal import Access
internal import Channels
internal import HTTP
internal import Protocols

/// `GET /v1/channels/C/presence`: who is in a channel.
final class PresenceEndpoint: APIEndpoint {
    static let path = APIPath("/v1/channels/*/presence")

    private let state: ServerState

    init(_ context: LoopContext) { state = context.state }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters()
        let channel = try PresenceEndpoint.path.argument(of: head)
        if let problem = ChannelName.problem(with: channel) { throw BadRequest("the channel's name \(problem)") }
        guard state.settings.access.channels.presenceGrace(of: channel) != nil else {
            return .now(.error(.notFound, "this channel has no presence (--channel)"))
        }
        return .now(.json(PresenceText.json(of: channel, state.presence.list(channel), id: [])))
    }
}
