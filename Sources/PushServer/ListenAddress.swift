public import WSLoop

/// Where a server listens: `PORT`, `HOST:PORT`, `[::]:PORT`, `tls:` and one of these, or `unix:PATH`.
public enum ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// A TCP port on a numeric address; port 0 lets the system choose.
    case tcp(host: String, port: UInt16)
    /// The same, with TLS.
    case tls(host: String, port: UInt16)
    /// A unix-domain socket.
    case unix(path: String)

    /// Parses an address; nil if it is none.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            self = .unix(path: String(text.dropFirst(5)))
        } else if text.hasPrefix("tls:") {
            guard case .tcp(let host, let port)? = ListenAddress(String(text.dropFirst(4))) else { return nil }
            self = .tls(host: host, port: port)
        } else if let colon = text.lastIndex(of: ":") {
            guard let port = ListenAddress.port(text[text.index(after: colon)...]) else { return nil }
            self = .tcp(host: ListenAddress.host(text[..<colon]), port: port)
        } else {
            guard let port = ListenAddress.port(text[...]) else { return nil }
            self = .tcp(host: "0.0.0.0", port: port)
        }
        guard socketAddress != nil else { return nil }
    }

    /// The address in the kernel's terms; nil if the host is not numeric or the path too long.
    public var socketAddress: SocketAddress? {
        switch self {
        case .tcp(let host, let port), .tls(let host, let port): SocketAddress(host: host, port: port)
        case .unix(let path): SocketAddress(unixPath: path)
        }
    }

    /// The address as it is written on the command line.
    public var description: String {
        switch self {
        case .tcp(let host, let port): ListenAddress.text(host, port)
        case .tls(let host, let port): "tls:" + ListenAddress.text(host, port)
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether it is one with TLS.
    public var isSecure: Bool {
        if case .tls = self { true } else { false }
    }

    /// The same address with TLS, if it is a TCP one.
    public var secured: ListenAddress {
        if case .tcp(let host, let port) = self { .tls(host: host, port: port) } else { self }
    }

    private static func text(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func port(_ text: Substring) -> UInt16? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt16(text) : nil
    }

    private static func host(_ text: Substring) -> String {
        if text.hasPrefix("["), text.hasSuffix("]") { return String(text.dropFirst().dropLast()) }
        return text == "localhost" ? "127.0.0.1" : String(text)
    }
}
