/// An address of the form `ws://HOST[:PORT][/PATH]`, or `wss:` (RFC 6455 section 3).
///
/// It is only taken apart: what its parts may consist of is checked when they make a request.
public struct WebSocketURL: Equatable, Sendable {
    /// Whether it wants TLS.
    public let isSecure: Bool
    /// Host and port, as the Host header has them.
    public let authority: String
    /// The host without the brackets of an IPv6 address.
    public let host: String
    /// The port; if none is named 80, or 443 with TLS.
    public let port: UInt16
    /// Path and query.
    public let target: String

    /// The address that was meant by one of a web page, or without a scheme: `localhost:8081/ws`; nil if it is none.
    public static func meant(by text: String) -> String? {
        let others = ["http://": "ws://", "https://": "wss://"]
        let scheme = others.keys.first { text.lowercased().hasPrefix($0) }
        guard scheme != nil || !text.contains("://") else { return nil }
        let address = "\(scheme.flatMap { others[$0] } ?? "ws://")\(text.dropFirst(scheme?.count ?? 0))"
        guard let url = WebSocketURL(parsing: address), !url.host.isEmpty else { return nil }
        return address
    }

    /// Takes an address apart; nil if it has another scheme or its port is no number.
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
