internal import Access
internal import HTTP

/// The parts of a request that may carry a token.
///
/// Browsers cannot set headers of a handshake, which leaves them the query, the list of subprotocols and cookies.
enum TokenCarriers {
    /// The subprotocol after which the list names the token: `bearer, <token>`.
    static let subprotocol = "bearer"
    /// The parameter of the query.
    static let parameter: StaticString = "token"

    /// All tokens of a request, each once.
    ///
    /// - Parameter cookie: the name of the cookie that may hold one; nil for none.
    static func tokens(in head: RequestHead, cookie: String?) throws(QueryViolation) -> Set<String> {
        var tokens = Set(try head.queryValues(of: parameter))
        for field in head.values(of: "authorization") {
            if let token = BearerCredentials.token(in: field) { tokens.insert(String(token)) }
        }
        if let token = offered(in: head.listValues(of: "sec-websocket-protocol")) { tokens.insert(token) }
        if let cookie { tokens.formUnion(values(ofCookie: cookie, in: head)) }
        return tokens
    }

    /// A list of subprotocols without the token in it, for logs.
    static func withoutToken(_ offered: [String]) -> [String] {
        guard let index = offered.firstIndex(of: subprotocol), index + 1 < offered.count else { return offered }
        var hidden = offered
        hidden[index + 1] = "***"
        return hidden
    }

    private static func offered(in subprotocols: [String]) -> String? {
        guard let index = subprotocols.firstIndex(of: subprotocol), index + 1 < subprotocols.count else { return nil }
        return subprotocols[index + 1]
    }

    /// A browser sends several if other hosts of the domain have set some (RFC 6265 section 8.6).
    private static func values(ofCookie name: String, in head: RequestHead) -> [String] {
        head.values(of: "cookie").flatMap { $0.split(separator: ";") }.compactMap { pair in
            guard let equals = pair.firstIndex(of: "="), pair[..<equals].drop(while: \.isWhitespace) == name else {
                return nil
            }
            return String(pair[pair.index(after: equals)...])
        }
    }
}
