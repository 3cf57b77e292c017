internal import Bytes

/// An address of the form `ws://HOST[:PORT][/PATH]`, or `wss:` (RFC 6455 section 3).
///
/// The URL is only split: its parts are checked when a request is made from them.
public struct WebSocketURL: Equatable, Sendable, CustomStringConvertible {
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

    /// The URL as text, with the scheme in lower case and a path.
    public var description: String { "\(isSecure ? "wss" : "ws")://\(authority)\(target)" }

    /// A URL without TLS, of a host that is not an IPv6 address.
    public init(host: String, port: UInt16, target: String) {
        (isSecure, authority, self.host, self.port, self.target) = (false, "\(host):\(port)", host, port, target)
    }

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
        guard let parts = HostAndPort(rest[..<end]) else { return nil }
        let defaultPort: UInt16 = isSecure ? 443 : 80
        guard let port = parts.port == nil ? defaultPort : parts.portNumber else { return nil }
        self.port = port
        authority = String(rest[..<end])
        host = String(parts.host)
        target = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/\(rest[end...])"
    }
}
