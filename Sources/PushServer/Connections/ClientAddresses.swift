internal import Access
internal import HTTP
internal import WSLoop

extension SocketAddress {
    /// The IP address; nil for a unix-domain socket.
    var ip: IPAddress? { ipBits.map { IPAddress(high: $0.high, low: $0.low) } }
}

/// The addresses of clients, including those behind a proxy.
final class ClientAddresses {
    private let context: LoopContext
    /// By slot: the address in a PROXY protocol header.
    private var proxied: [UInt32: IPAddress] = [:]
    /// By slot: the address that a trusted proxy has reported for a WebSocket.
    private var reported: [UInt32: IPAddress] = [:]

    init(_ context: LoopContext) {
        self.context = context
    }

    /// Notes the client that a proxy's header names, and whether the proxy is trusted to name one.
    func note(_ header: ProxyHeader, of connection: Connection) {
        proxied[connection.slot] = header.client
        noteTrust(in: connection)
        if header.isSecure { connection.peer.insert(.tls) }
    }

    /// Notes that a connection is a proxy's that is trusted now; one that is trusted no more is not asked to forget it.
    func noteTrust(in connection: Connection) {
        if context.settings.trustedProxies.includes(address(of: connection)) { connection.peer.insert(.trustedProxy) }
    }

    /// Whether a proxy is trusted, also after a reload.
    private func isTrusted(_ peer: Peer, _ address: IPAddress?) -> Bool {
        peer.contains(.trustedProxy) && context.settings.trustedProxies.includes(address)
    }

    /// Notes the client that opens a WebSocket, if a trusted proxy reports its address.
    func noteClient(of head: RequestHead, _ connection: Connection) {
        guard connection.peer.contains(.trustedProxy) else { return }
        reported[connection.slot] = client(of: head, connection)
    }

    func forget(_ connection: Connection) {
        if connection.peer.contains(.trustedProxy) { reported[connection.slot] = nil }
        if connection.peer.contains(.proxied) { proxied[connection.slot] = nil }
    }

    /// The address of a connection: its socket's, or the one in its PROXY protocol header.
    func address(of connection: Connection) -> IPAddress? {
        proxied[connection.slot] ?? SocketAddress(peerOf: connection.descriptor).ip
    }

    /// The address of the client that sent a request; nil for a unix-domain socket.
    func client(of head: RequestHead, _ connection: Connection) -> IPAddress? {
        let address = address(of: connection)
        guard isTrusted(connection.peer, address) else { return address }
        return context.settings.trustedProxies.client(of: head, behind: address).address
    }

    /// The address of a WebSocket's client; nil for a unix-domain socket.
    func client(of connection: Connection) -> IPAddress? { reported[connection.slot] ?? address(of: connection) }

    /// How a request reached the server; a trusted proxy reports whether the client used TLS.
    func peer(of head: RequestHead, _ connection: Connection) -> Peer {
        let peer = connection.peer
        guard peer.contains(.trustedProxy), isTrusted(peer, address(of: connection)),
            let isSecure = context.settings.trustedProxies.client(of: head, behind: nil).isSecure
        else { return peer }
        return isSecure ? peer.union(.tls) : peer.subtracting(.tls)
    }

    /// For the log: the address of a connection, or of the client that sent a request on it.
    func logged(_ connection: Connection, _ head: RequestHead? = nil) -> String {
        let address =
            head.map { client(of: $0, connection) } ?? reported[connection.slot] ?? address(of: connection)
        // The kernel has no address for a TCP connection that was reset.
        return address?.description ?? (connection.peer.contains(.unixSocket) ? "unix" : "unknown")
    }
}
