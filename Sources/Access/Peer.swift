public import HTTP

/// How a connection came in; what a request on it may do depends on it.
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
    /// With TLS that this process ends.
    public static let tls = Peer(rawValue: 4)
    /// On an address of `--admin`.
    public static let admin = Peer(rawValue: 8)

    /// From a proxy whose word on where its requests come from counts.
    public static let trustedProxy = Peer(rawValue: 16)

    /// Behind a proxy that tells the client's address with the PROXY protocol; then it is never this machine's.
    public static let proxied = Peer(rawValue: 32)

    /// Whether the other end is on this machine; it may still be a proxy that speaks for others.
    public var isLocal: Bool { !isDisjoint(with: [.loopback, .unixSocket]) }
}

extension RequestHead {
    /// Whether a proxy says that it passed this request on: then nobody knows from here who asks.
    public var isForwarded: Bool {
        hasField(of: RequestHead.fieldsOfProxies)
    }

    private static let fieldsOfProxies: [StaticString] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
}
