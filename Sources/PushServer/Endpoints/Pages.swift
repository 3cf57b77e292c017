internal import Access
internal import HTTP

/// Pages that are served from memory.
final class Pages: ReadEndpoint {
    private let state: ServerState

    init(_ context: LoopContext) { state = context.state }

    func serves(_ head: RequestHead, on peer: Peer) -> Bool { !peer.contains(.admin) && state.page(head) != nil }

    func response(to head: RequestHead, _ connection: Connection) -> Response {
        if let prefix = state.configuration.pathPrefix, head.hasEmptyPath {
            return .redirect(to: prefix, query: head.query)
        }
        return state.page(head).map { Response($0) } ?? .nothing
    }
}

extension Response {
    /// A page that shows and runs only its own content.
    ///
    /// It must not be framed, because a user might click in a frame without seeing it.
    fileprivate init(_ page: Page) {
        self.init(.ok, contentType: page.contentType, body: page.body)
        addHeader("Content-Security-Policy", page.contentSecurityPolicy)
        addHeader("X-Frame-Options", "DENY")
    }

    /// Redirects from a prefix to the page below it, whose relative URLs need the slash.
    fileprivate static func redirect(to prefix: PathPrefix, query: String?) -> Response {
        var response = Response(.permanentRedirect)
        response.addHeader("Location", prefix.directory + (query.map { "?\($0)" } ?? ""))
        return response
    }
}
