internal import Access
internal import HTTP

/// Paths where a program that embeds the server answers POST requests.
final class Posts: Endpoint {
    private let posts: [String: @Sendable ([UInt8]) -> [UInt8]]

    init(_ context: LoopContext) { posts = context.settings.configuration.posts }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool {
        head.method == .post && !posts.isEmpty && posts[head.path] != nil
    }

    func answer(
        _ head: RequestHead, _ body: [UInt8], _ routed: RoutedRequest, _ connection: Connection
    ) -> EndpointAnswer {
        guard let answer = posts[head.path] else { return .now(.nothing) }
        return .now(Response(.ok, contentType: "application/octet-stream", body: answer(body)))
    }
}
