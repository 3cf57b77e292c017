internal import Access
internal import Bytes
internal import DequeModule
internal import HTTP
internal import Logging
internal import WSLoop

/// Performs the TLS handshakes of a loop's connections, a limited number per turn.
final class TLSHandshakes {
    /// The most handshakes that advance in a turn: a signature takes a large part of a millisecond.
    private static let maxStepsInTurn = 8
    /// Enough bytes to recognise a proxy's header.
    private static let plainBeginningBytes = 16
    /// The first byte of a TLS record that begins a handshake (RFC 8446 section 5.1).
    private static let handshakeRecord: UInt8 = 22

    private let context: LoopContext
    private let table: ConnectionTable
    private let links: SecureLinks
    private let closing: Closing
    private let http: HTTPExchange
    private let buffer: ReadBuffer
    // Unchecked (docs/decisions/0009): looked at in each turn.
    @safe @exclusivity(unchecked) private var waiting = Deque<StreamKey>()
    private var stepsInTurn = 0

    init(
        _ context: LoopContext, _ table: ConnectionTable, _ links: SecureLinks, _ closing: Closing,
        _ http: HTTPExchange, _ buffer: ReadBuffer
    ) {
        self.context = context
        self.table = table
        self.links = links
        self.closing = closing
        self.http = http
        self.buffer = buffer
    }

    /// Advances a handshake, or makes it wait for a turn with fewer handshakes.
    ///
    /// - Returns: whether the connection can be read from now on.
    func advance(_ secure: SecureStream, _ connection: Connection) -> Bool {
        guard stepsInTurn < TLSHandshakes.maxStepsInTurn else {
            guard !connection.pause.contains(.handshaking) else { return false }
            connection.pause.insert(.handshaking)
            waiting.append(connection.key)
            return false
        }
        stepsInTurn += 1
        return step(secure, connection)
    }

    /// Goes on with those that wait; called at the end of each turn.
    ///
    /// - Parameter read: reads from a connection that can be read from now on.
    func advanceWaiting(_ read: (Connection) -> Void) {
        stepsInTurn = 0
        guard !waiting.isEmpty else { return }
        for _ in 0..<TLSHandshakes.maxStepsInTurn {
            guard let key = waiting.popFirst() else { break }
            guard let connection = table[key], let secure = links.stream(connection.descriptor) else { continue }
            connection.pause.remove(.handshaking)
            if step(secure, connection) { read(connection) }
            if connection.phase != .closed { table.setInterest(connection.interest.union(.readable), connection) }
        }
        if !waiting.isEmpty { context.post(.wakeUp) }
    }

    private func step(_ secure: SecureStream, _ connection: Connection) -> Bool {
        if !secure.hasBegun {
            guard let first = Socket.peek(connection.descriptor) else {
                // Nothing has come yet, or nothing will.
                if Socket.isAtEnd(connection.descriptor) { closing.close(connection) }
                return false
            }
            secure.hasBegun = true
            guard first == TLSHandshakes.handshakeRecord || !refusesPlain(connection, first) else { return false }
        }
        let result = secure.session.handshake()
        guard links.sendOutput(of: secure) else {
            closing.close(connection)
            return false
        }
        switch result {
        case .done:
            context.counters.tlsHandshakes += 1
            return true
        case .needs: return false
        case .failed(let reason):
            context.counters.tlsFailures += 1
            context.state.logger.debug("TLS handshake failed", metadata: ["reason": "\(reason)"])
            closing.close(connection)
            return false
        }
    }

    /// Refuses a connection that begins with plain HTTP or a proxy's header, with an answer that such a client can
    /// read.
    ///
    /// - Returns: false if it begins with something else.
    private func refusesPlain(_ connection: Connection, _ first: UInt8) -> Bool {
        var beginning: [UInt8] = []
        if case .bytes = buffer.peek(at: connection.descriptor, atMost: TLSHandshakes.plainBeginningBytes) {
            buffer.withContent { beginning.append($0) }
        }
        guard ProxyHeader.isAnnounced(by: beginning.rawSpan) || TLSHandshakes.isLetter(first) else { return false }
        links.makePlain(connection)
        if !http.refusesProxyHeader(beginning.rawSpan, connection) {
            http.refuse(.error(.badRequest, "this port speaks TLS: https:// or wss://"), connection)
        }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF)
    }
}
