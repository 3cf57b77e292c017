internal import Access
internal import HTTP
internal import WSLoop

extension SocketAddress {
    /// The IP address; nil of a unix-domain socket.
    var ip: IPAddress? { ipBits.map { IPAddress(high: $0.high, low: $0.low) } }
}

// The address of a client, also of one behind a proxy.
extension Worker {
    /// The address of the client that sent a request; nil for a unix-domain socket.
    func clientAddress(of head: RequestHead, _ connection: Connection) -> IPAddress? {
        let address = address(of: connection)
        guard connection.peer.contains(.trustedProxy) else { return address }
        return state.trustedProxies.client(of: head, behind: address).address
    }

    /// The way on which a request came; a trusted proxy says whether the client used TLS.
    func peer(of head: RequestHead, _ connection: Connection) -> Peer {
        let peer = connection.peer
        guard peer.contains(.trustedProxy), let isSecure = state.trustedProxies.client(of: head, behind: nil).isSecure
        else { return peer }
        return isSecure ? peer.union(.tls) : peer.subtracting(.tls)
    }

    /// The address that a connection comes from, or that its PROXY protocol header names.
    func address(of connection: Connection) -> IPAddress? {
        proxiedAddresses[connection.slot] ?? SocketAddress(peerOf: connection.descriptor).ip
    }

    /// The address of a connection, or of the client that sent a request on it, for the log.
    func loggedAddress(_ connection: Connection, _ head: RequestHead? = nil) -> String {
        let address = head.map { clientAddress(of: $0, connection) } ?? address(of: connection)
        // The kernel names no address for a TCP connection that was reset.
        return address?.description ?? (connection.peer.contains(.unixSocket) ? "unix" : "unknown")
    }
}
