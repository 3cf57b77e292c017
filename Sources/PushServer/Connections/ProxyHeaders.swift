internal import Access
internal import Bytes
internal import HTTP
internal import WSLoop

/// Reads the header that a proxy sends before all else on an address with `proxy:` (PROXY protocol).
final class ProxyHeaders {
    private let context: LoopContext
    private let lives: ConnectionLives
    private let links: SecureLinks
    private let limits: ConnectionLimits
    private let addresses: ClientAddresses
    private let shedding: InboundShedding
    private let closing: Closing
    private let http: HTTPExchange
    private let buffer: ReadBuffer

    init(
        _ context: LoopContext, _ lives: ConnectionLives, _ links: SecureLinks, _ limits: ConnectionLimits,
        _ addresses: ClientAddresses, _ shedding: InboundShedding, _ closing: Closing, _ http: HTTPExchange,
        _ buffer: ReadBuffer
    ) {
        self.context = context
        self.lives = lives
        self.links = links
        self.limits = limits
        self.addresses = addresses
        self.shedding = shedding
        self.closing = closing
        self.http = http
        self.buffer = buffer
    }

    /// Reads the header and no byte after it: those belong to TLS or HTTP.
    ///
    /// Bytes of an incomplete header are read too; otherwise the kernel would report the socket as readable forever.
    ///
    /// - Returns: whether the header is complete, so that later input is the client's.
    func read(_ connection: Connection) -> Bool {
        let known = connection.unread.count
        switch buffer.peek(at: connection.descriptor, atMost: ProxyHeader.maxBytes - known) {
        case .bytes: break
        case .wouldBlock: return false
        case .endOfStream, .failed:
            // A health check that only connects is not logged.
            if known == 0 {
                closing.close(connection)
            } else {
                refuse(connection, "it ended in its PROXY protocol header")
            }
            return false
        }
        var bytes = connection.unread
        buffer.withContent { bytes.append($0) }
        do throws(ProxyHeaderViolation) {
            let header = try ProxyHeader.read(bytes.rawSpan)
            let taken = (header?.byteCount ?? bytes.count) - known
            guard buffer.fill(from: connection.descriptor, atMost: taken) == .bytes(taken) else {
                closing.close(connection)
                return false
            }
            connection.unread = header == nil ? bytes : []
            shedding.noteHeld(connection)
            guard let header, connection.phase == .proxyHeader else { return false }
            return begin(connection, behind: header)
        } catch {
            refuse(connection, error.message)
            return false
        }
    }

    /// The header has not arrived in time.
    func timedOut(_ connection: Connection) {
        refuse(connection, "no PROXY protocol header came within --handshake-timeout, as --listen proxy: asks for")
    }

    /// From here on the connection belongs to the client, whose address counts.
    private func begin(_ connection: Connection, behind header: ProxyHeader) -> Bool {
        let tls = context.settings.tlsContext(for: connection.peer)
        addresses.note(header, of: connection)
        lives.tell(.proxied, connection)
        let address = addresses.address(of: connection)
        guard let peer = limits.admitted(connection.peer, from: address) else {
            closing.close(connection)
            return false
        }
        connection.peer = peer
        limits.noteSocket(of: connection, from: address)
        guard let tls else { return true }
        guard links.begin(connection, with: tls) else {
            closing.close(connection)
            return false
        }
        shedding.noteHeld(connection)
        return connection.phase != .closed
    }

    private func refuse(_ connection: Connection, _ reason: String) {
        context.counters.proxyHeadersRefused += 1
        http.logRefusal(reason, connection)
        closing.close(connection)
    }
}
