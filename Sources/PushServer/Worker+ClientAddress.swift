internal import Access
internal import HTTP
internal import Logging
internal import WSLoop

extension SocketAddress {
    /// The IP address; nil of a unix-domain socket.
    var ip: IPAddress? { ipBits.map { IPAddress(high: $0.high, low: $0.low) } }
}

// Where a client is, which the connection does not tell of one behind a proxy.
extension Worker {
    /// The address of who sent a request; nil for a unix-domain socket.
    func clientAddress(of head: RequestHead, _ connection: Connection) -> IPAddress? {
        let address = address(of: connection)
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

    /// The address that a connection comes from, or that a proxy has told of it.
    func address(of connection: Connection) -> IPAddress? {
        proxiedAddresses[connection.slot] ?? SocketAddress(peerOf: connection.descriptor).ip
    }

    /// The address of a connection, or of who sent a request on it, as a log shows it.
    func loggedAddress(_ connection: Connection, _ head: RequestHead? = nil) -> String {
        let address = head.map { clientAddress(of: $0, connection) } ?? address(of: connection)
        // Of a TCP connection that has been reset the kernel tells none.
        return address?.description ?? (connection.peer.contains(.unixSocket) ? "unix" : "unknown")
    }

    /// Tells an operator why a client does not get in: one line a second at `notice`, the others at `debug`.
    func logRefusal(_ line: Logger.Message, _ metadata: @autoclosure () -> Logger.Metadata) {
        let isNews = state.refusalLines.admitsLine(atNanoseconds: Loop.monotonicNanoseconds)
        state.logger.log(level: isNews ? .notice : .debug, line, metadata: metadata())
    }
}
