internal import HTTP

/// The web pages that may connect.
///
/// This stops cross-site WebSocket hijacking: browsers let any page connect, and send cookies along.
struct OriginPolicy: Sendable {
    private let listed: [OriginPattern]

    init(_ listed: [OriginPattern]) {
        self.listed = listed
    }

    /// Whether a request is allowed.
    ///
    /// A request without Origin does not come from a browser. A browser's page must be this server's own or listed.
    func admits(_ head: RequestHead, from peer: Peer) -> Bool {
        listed.contains(where: \.matchesAll) || isProgramOrOwnPage(head, from: peer) || listedOrigin(of: head) != nil
    }

    /// Whether a request comes from a program (no browser), or from this server's own page.
    func isProgramOrOwnPage(_ head: RequestHead, from peer: Peer) -> Bool {
        head.count(of: "origin") == 0 || isOwn(head, from: peer)
    }

    /// The value of `Access-Control-Allow-Origin`: a listed page's origin, or `*` where all pages are allowed.
    ///
    /// Nil for pages of this server, which need no such header, and for pages that are not listed.
    func sharedOrigin(of head: RequestHead) -> String? {
        guard head.count(of: "origin") > 0 else { return nil }
        return listed.contains(where: \.matchesAll) ? "*" : listedOrigin(of: head)
    }

    /// Whether the page has the request's scheme, host and port.
    private func isOwn(_ head: RequestHead, from peer: Peer) -> Bool {
        guard let origin = OriginPolicy.onlyOrigin(of: head), let host = head.host else { return false }
        let own = WebOrigin((peer.contains(.tls) ? "https://" : "http://") + host)
        return own != nil && own == WebOrigin(origin)
    }

    /// The request's Origin, if it is listed.
    private func listedOrigin(of head: RequestHead) -> String? {
        guard let origin = OriginPolicy.onlyOrigin(of: head), listed.contains(where: { $0.matches(origin) }) else {
            return nil
        }
        return origin
    }

    /// With several Origins the page's own is unknown.
    private static func onlyOrigin(of head: RequestHead) -> String? {
        head.count(of: "origin") == 1 ? head.value(of: "origin") : nil
    }
}
