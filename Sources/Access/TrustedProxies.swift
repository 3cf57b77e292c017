public import HTTP

/// A proxy that is trusted to report its clients.
public enum TrustedProxy: Equatable, Sendable, CustomStringConvertible {
    /// A proxy that connects from an address in this range.
    case range(AddressRange)
    /// A proxy that connects over a unix-domain socket.
    case unixSocket

    /// Parses an address, a range or `unix`.
    public init(parsing text: String) throws(AddressRangeViolation) {
        self = text == "unix" ? .unixSocket : .range(try AddressRange(parsing: text))
    }

    /// As it was written.
    public var description: String {
        switch self {
        case .range(let range): "\(range)"
        case .unixSocket: "unix"
        }
    }
}

/// The client of a request, as reported by trusted proxies.
public struct ForwardedClient: Equatable, Sendable {
    /// The client's address; nil if it connected over a unix-domain socket.
    public var address: IPAddress?
    /// Whether the client used TLS; nil if no proxy says.
    public var isSecure: Bool?
}

/// The proxies whose `X-Forwarded-For`, `Forwarded` and `X-Forwarded-Proto` headers are trusted.
public struct TrustedProxies: Sendable {
    private let ranges: [AddressRange]
    private let hasUnixSockets: Bool

    /// Makes a list of proxies.
    public init(_ proxies: [TrustedProxy]) {
        ranges = proxies.compactMap { if case .range(let range) = $0 { range } else { nil } }
        hasUnixSockets = proxies.contains(.unixSocket)
    }

    /// Whether an address belongs to a trusted proxy; nil stands for a unix-domain socket.
    public func includes(_ address: IPAddress?) -> Bool {
        guard let address else { return hasUnixSockets }
        return ranges.contains { $0.contains(address) }
    }

    /// The client of a request that a trusted proxy forwarded.
    ///
    /// A proxy appends the address that it saw. So the addresses are read from the last to the first, and the first one
    /// that is not a trusted proxy's is the client's; the client may have forged the ones before it. A malformed entry
    /// ends the search at the proxy that wrote it. A proxy forwards headers that it does not know unchanged, so if
    /// `X-Forwarded-For` and `Forwarded` disagree, neither counts.
    public func client(of head: RequestHead, behind proxy: IPAddress?) -> ForwardedClient {
        let elements = head.listValues(of: "forwarded").map { ForwardedHop(element: $0) }
        let nodes = TrustedProxies.words(of: "x-forwarded-for", in: head).map { ForwardedHop(node: $0) }
        var client = found(elements.isEmpty ? nodes : elements, behind: proxy)
        if !elements.isEmpty, !nodes.isEmpty, found(nodes, behind: proxy).address != client.address {
            client = ForwardedClient(address: proxy)
        }
        var schemes = TrustedProxies.words(of: "x-forwarded-proto", in: head).map { ForwardedHop.isSecure($0) }
        if let isSecure = client.isSecure { schemes.append(isSecure) }
        client.isSecure = schemes.allSatisfy { $0 == schemes.first } ? schemes.first.flatMap { $0 } : nil
        return client
    }

    private func found(_ hops: [ForwardedHop], behind proxy: IPAddress?) -> ForwardedClient {
        var client = ForwardedClient(address: proxy)
        for hop in hops.reversed() {
            client.isSecure = hop.isSecure
            guard let address = hop.address else { break }
            client.address = address
            guard includes(address) else { break }
        }
        return client
    }

    /// The comma-separated parts of all fields of a name; quotes are ignored, so that they cannot hide a comma.
    private static func words(of name: StaticString, in head: RequestHead) -> [Substring] {
        head.values(of: name).flatMap { $0.split(separator: ",") }.map(\.trimmed)
    }
}

extension Substring {
    /// The text without surrounding spaces and tabs.
    fileprivate var trimmed: Substring {
        let end = lastIndex { $0 != " " && $0 != "\t" }
        guard let start = firstIndex(where: { $0 != " " && $0 != "\t" }), let end else { return "" }
        return self[start...end]
    }
}
