internal import Access
internal import HTTP
internal import WSLoop

extension SocketAddress {
    /// The IP address; nil of a unix-domain socket.
    var ip: IPAddress? { ipBits.map { IPAddress(high: $0.high, low: $0.low) } }
}

// Where a client is, which the connection does not tell of one behind a proxy.
extension Worker {
    /// The address of who sent a request; nil for a unix-domain socket.
    func clientAddress(of head: RequestHead, _ connection: Connection) -> IPAddress? {
        let address = SocketAddress(peerOf: connection.descriptor).ip
        guard connection.peer.contains(.trustedProxy) else { return address }
        return state.trustedProxies.client(of: head, behind: address).address
    }

    /// How a request came in: a trusted proxy knows whether that was with TLS.
    func peer(of head: RequestHead, _ connection: Connection) -> Peer {
        let peer = connection.peer
        guard peer.contains(.trustedProxy), let isSecure = state.trustedProxies.client(of: head, behind: nil).isSecure
        else { return peer }
        return isSecure ? peer.union(.tls) : peer.subtracting(.tls)
    }

    /// The address of who sent a request as a log shows it.
    func loggedAddress(of head: RequestHead, _ connection: Connection) -> String {
        clientAddress(of: head, connection).map(\.description) ?? "unix"
    }
}
