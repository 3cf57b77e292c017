/// An address of the form `ws://HOST[:PORT][/PATH]`, or `wss:` (RFC 6455 section 3).
///
/// The URL is only split: its parts are checked when a request is made from them.
public struct WebSocketURL: Equatable, Sendable {
    /// Whether it uses TLS.
    public let isSecure: Bool
    /// Host and port, as the Host header has them.
    public let authority: String
    /// The host without the brackets of an IPv6 address.
    public let host: String
    /// The port; by default 80, or 443 with TLS.
    public let port: UInt16
    /// Path and query.
    public let target: String

    /// The WebSocket URL for a web page's URL or a URL without a scheme (`localhost:8081/ws`); nil if it has another
    /// scheme.
    public static func meant(by text: String) -> String? {
        let others = ["http://": "ws://", "https://": "wss://"]
        let scheme = others.keys.first { text.lowercased().hasPrefix($0) }
        guard scheme != nil || !text.contains("://") else { return nil }
        let address = "\(scheme.flatMap { others[$0] } ?? "ws://")\(text.dropFirst(scheme?.count ?? 0))"
        guard let url = WebSocketURL(parsing: address), !url.host.isEmpty else { return nil }
        return address
    }

    /// Splits a URL; nil if its scheme is another one or its port is not a number.
    public init?(parsing text: String) {
        guard let scheme = ["ws://", "wss://"].first(where: { text.lowercased().hasPrefix($0) }) else { return nil }
        isSecure = scheme == "wss://"
        let rest = text.dropFirst(scheme.count)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let authority = rest[..<end]
        var host = authority
        var port: UInt16? = isSecure ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            port = UInt16(authority[authority.index(after: colon)...])
            host = authority[..<colon]
        }
        guard let port else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.port = port
        self.authority = String(authority)
        self.host = String(host)
        target = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/\(rest[end...])"
    }
}
