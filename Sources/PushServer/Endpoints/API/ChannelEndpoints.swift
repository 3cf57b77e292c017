internal import Bytes
internal import Channels
internal import HTTP

/// `GET /v1/channels`: the channels with subscribers.
final class ChannelsEndpoint: APIEndpoint {
    static let path = APIPath("/v1/channels")

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters("match", "limit", "after")
        let pattern = try head.name("match").flatMap { ChannelPattern($0) }
        return requests.answer(connection, .channels(matching: pattern, try head.page())) {
            .json($0.json("channels", \.channel))
        }
    }
}

/// `GET /v1/channels/C`: one channel, with or without subscribers.
final class ChannelEndpoint: APIEndpoint {
    static let path = APIPath("/v1/channels/*")

    private let requests: APIRequests

    init(_ requests: APIRequests) { self.requests = requests }

    func answer(_ head: RequestHead, _ body: [UInt8], _ connection: Connection) throws(BadRequest) -> EndpointAnswer {
        try head.allowParameters()
        let name = try ChannelEndpoint.path.argument(of: head)
        if let problem = ChannelName.problem(with: name) { throw BadRequest("the channel's name \(problem)") }
        return requests.answer(connection, .channel(name)) {
            .json(Listing.Entry(name: name, count: $0.count).channel)
        }
    }
}

extension Listing.Entry {
    /// The entry of a channel as JSON.
    fileprivate var channel: [UInt8] {
        var text = JSONObjectWriter()
        text.member("channel", name)
        text.member("subscribers", count)
        return text.finish()
    }
}
