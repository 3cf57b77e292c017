public import HTTP

/// How a connection reached the server, which decides what its requests may do.
public struct Peer: OptionSet, Sendable {
    /// Its bits.
    public let rawValue: UInt8

    /// Makes a set of its bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Over 127.0.0.0/8 or ::1.
    public static let loopback = Peer(rawValue: 1)
    /// Over a unix-domain socket.
    public static let unixSocket = Peer(rawValue: 2)
    /// With TLS that this process terminates.
    public static let tls = Peer(rawValue: 4)
    /// On an address of `--admin`.
    public static let admin = Peer(rawValue: 8)

    /// From a proxy that is trusted to report the client's address.
    public static let trustedProxy = Peer(rawValue: 16)

    /// From a proxy that announces the client with the PROXY protocol; the client is then never on this machine.
    public static let proxied = Peer(rawValue: 32)

    /// It counts in the sockets of its address.
    public static let counted = Peer(rawValue: 64)

    /// Whether the other end is on this machine; it may still be a proxy for remote clients.
    public var isLocal: Bool { !isDisjoint(with: [.loopback, .unixSocket]) }
}

extension RequestHead {
    /// Whether a proxy says that it forwarded this request, so that its sender is unknown here.
    public var isForwarded: Bool {
        hasField(of: RequestHead.fieldsOfProxies)
    }

    private static let fieldsOfProxies: [StaticString] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
}
