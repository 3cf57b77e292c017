internal import Bytes
public import WSLoop

/// An address to listen on: a TCP port, plain or with TLS, or a unix-domain socket; optionally behind a proxy.
public struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// The address that the socket is bound to.
    private enum Place: Equatable {
        case everywhere(port: UInt16)
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    private let place: Place
    /// Whether clients use TLS there.
    public private(set) var isSecure = false
    /// Whether a proxy announces each client first (PROXY protocol).
    public private(set) var isProxied = false

    private init(_ place: Place) {
        self.place = place
    }

    /// A TCP port on all IPv4 and IPv6 addresses; with 0 the system chooses the port.
    ///
    /// If IPv6 is disabled, only on IPv4.
    public static func everywhere(port: UInt16) -> ListenAddress {
        ListenAddress(.everywhere(port: port))
    }

    /// A TCP port on a numeric address.
    public static func tcp(host: String, port: UInt16) -> ListenAddress {
        ListenAddress(.tcp(host: host, port: port))
    }

    /// A unix-domain socket.
    public static func unix(path: String) -> ListenAddress {
        ListenAddress(.unix(path: path))
    }

    /// Parses `PORT`, `:PORT`, `HOST:PORT`, `[IPv6]:PORT`, with `tls:` before it, or `unix:PATH`; `proxy:` before all.
    public init(parsing text: String) throws(ListenAddressViolation) {
        var rest = text[...]
        let isProxied = rest.removePrefix("proxy:")
        let isSecure = rest.removePrefix("tls:")
        guard !rest.hasPrefix("proxy:") else { throw .proxyIsNotFirst }
        if rest.removePrefix("unix:") {
            guard !isSecure else { throw .tlsOnUnixSocket }
            guard SocketAddress(unixPath: String(rest)) != nil else { throw .badPath }
            self = .unix(path: String(rest))
        } else {
            self = try ListenAddress.tcp(rest)
        }
        self.isSecure = isSecure
        self.isProxied = isProxied
    }

    /// The address in the kernel's form; nil if the host is not numeric or the path too long.
    public var socketAddress: SocketAddress? {
        switch place {
        case .everywhere(let port): SocketAddress(host: "::", port: port)
        case .tcp(let host, let port): SocketAddress(host: host, port: port)
        case .unix(let path): SocketAddress(unixPath: path)
        }
    }

    /// The address to bind instead if there is no IPv6; nil unless all addresses were asked for.
    var addressWithoutIPv6: SocketAddress? {
        if case .everywhere(let port) = place { SocketAddress(host: "0.0.0.0", port: port) } else { nil }
    }

    /// The address as written on the command line.
    public var description: String {
        let prefix = (isProxied ? "proxy:" : "") + (isSecure ? "tls:" : "")
        return switch place {
        case .everywhere(let port): prefix.isEmpty ? ":\(port)" : "\(prefix)\(port)"
        case .tcp(let host, let port): prefix + (host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
        case .unix(let path): "\(prefix)unix:\(path)"
        }
    }

    /// The same address with TLS, if it is TCP.
    public var secured: ListenAddress {
        if case .unix = place { return self }
        var address = self
        address.isSecure = true
        return address
    }
}

extension ListenAddress {
    private static func tcp(_ text: Substring) throws(ListenAddressViolation) -> ListenAddress {
        if text.utf8.allSatisfy(\.isDigit) { return .everywhere(port: try port(text)) }
        guard let parts = HostAndPort(text) else { throw .hostIsNoAddress }
        let port = try port(parts.port ?? "")
        return parts.writtenHost.isEmpty ? .everywhere(port: port) : .tcp(host: try numeric(parts), port: port)
    }

    private static func port(_ text: Substring) throws(ListenAddressViolation) -> UInt16 {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isDigit) else { throw .missingPort }
        guard let port = UInt16(text) else { throw .portOutOfRange }
        return port
    }

    private static func numeric(_ parts: HostAndPort) throws(ListenAddressViolation) -> String {
        if parts.writtenHost == "localhost" { return "127.0.0.1" }
        guard SocketAddress(host: String(parts.host), port: 0) != nil else { throw .hostIsNoAddress }
        guard parts.hasRightBrackets else { throw .bracketsMissing }
        return String(parts.host)
    }
}

extension Substring {
    /// Removes `prefix` from the front; returns false if it is not there.
    fileprivate mutating func removePrefix(_ prefix: String) -> Bool {
        guard hasPrefix(prefix) else { return false }
        removeFirst(prefix.count)
        return true
    }
}
