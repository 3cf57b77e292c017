internal import Access
internal import Bytes
internal import HTTP
internal import Logging
internal import WSLoop

// The header that a proxy sends before all else on an address with `proxy:` (PROXY protocol).
extension Worker {
    /// Reads the header, and no byte behind it: those are for TLS or HTTP.
    ///
    /// Bytes of an unfinished header are read as well, or the kernel would report the socket as readable for ever.
    func readProxyHeader(_ connection: Connection) {
        let known = connection.unread.count
        switch buffer.peek(at: connection.descriptor, atMost: ProxyHeader.maxBytes - known) {
        case .bytes: break
        case .wouldBlock: return
        case .endOfStream, .failed:
            // A health check that only connects is not worth a line.
            return known == 0 ? close(connection) : refuse(connection, "it ended in its PROXY protocol header")
        }
        var bytes = connection.unread
        buffer.withContent { bytes.append($0) }
        do throws(ProxyHeaderViolation) {
            let header = try ProxyHeader.read(bytes.rawSpan)
            let taken = (header?.byteCount ?? bytes.count) - known
            guard buffer.fill(from: connection.descriptor, atMost: taken) == .bytes(taken) else {
                return close(connection)
            }
            connection.unread = header == nil ? bytes : []
            noteHeld(connection)
            if let header, connection.phase == .proxyHeader { begin(connection, behind: header) }
        } catch {
            refuse(connection, error.message)
        }
    }

    /// The header has not come in time.
    func proxyHeaderTimedOut(_ connection: Connection) {
        refuse(connection, "no PROXY protocol header came within --handshake-timeout, as --listen proxy: asks for")
    }

    /// What a connection needs for TLS; nil if its address is a plain one.
    func context(for peer: Peer) -> TLSContext? {
        peer.contains(.tls) ? state.configuration.certificates?.context : nil
    }

    /// The connection is the client's from here on, whose address counts.
    private func begin(_ connection: Connection, behind header: ProxyHeader) {
        let context = context(for: connection.peer)
        proxiedAddresses[connection.slot] = header.client
        let address = address(of: connection)
        if state.trustedProxies.includes(address) { connection.peer.insert(.trustedProxy) }
        if header.isSecure { connection.peer.insert(.tls) }
        tell(.proxied, connection)
        guard admitsSocket(from: address, connection.peer) else { return close(connection) }
        countedAddresses[connection.slot] = countedAddress(address, connection.peer)
        if let context {
            guard secure(connection, with: context) else { return close(connection) }
            noteHeld(connection)
            guard connection.phase != .closed else { return }
        }
        read(connection)
    }

    private func refuse(_ connection: Connection, _ reason: String) {
        counters.proxyHeadersRefused += 1
        logConnectionRefusal(reason, connection)
        close(connection)
    }
}

// A PROXY protocol header on an ordinary address.
extension Worker {
    private static let strayHeader =
        "this is a PROXY protocol header: use --listen proxy:ADDR for the address that the proxy connects to"

    /// Refuses a connection that begins with such a header on an ordinary address; false if it does not.
    func refusesProxyHeader(_ input: RawSpan, _ connection: Connection) -> Bool {
        guard ProxyHeader.isAnnounced(by: input) else { return false }
        logConnectionRefusal(Worker.strayHeader, connection)
        connection.endsAfterResponse = true
        respond(.error(.badRequest, Worker.strayHeader), to: connection)
        return true
    }
}
