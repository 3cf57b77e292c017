internal import Bytes
internal import Channels
internal import WSLoop

/// Reads what clients send and serves it: so much of each client in a turn, and none of one that is paused.
final class Input {
    /// Past so many bytes of unread answers a client's further requests wait.
    private static let unreadAnswersBytes = 65_536
    /// The most that a WebSocket is served in a turn; also the most that is kept of it while it is paused.
    private static let maxWebSocketReadBytes = 65_536

    private let context: LoopContext
    private let table: ConnectionTable
    private let lives: ConnectionLives
    private let links: SecureLinks
    private let closing: Closing
    private let inbound: InboundAccount
    private let shedding: InboundShedding
    private let turns: TurnQueue
    private let http: HTTPExchange
    private let webSockets: WebSocketExchange
    private let handshakes: TLSHandshakes
    private let proxyHeaders: ProxyHeaders
    private let buffer: ReadBuffer

    init(
        _ context: LoopContext, _ table: ConnectionTable, _ lives: ConnectionLives, _ links: SecureLinks,
        _ closing: Closing, _ inbound: InboundAccount, _ shedding: InboundShedding, _ turns: TurnQueue,
        _ http: HTTPExchange, _ webSockets: WebSocketExchange, _ handshakes: TLSHandshakes,
        _ proxyHeaders: ProxyHeaders, _ buffer: ReadBuffer
    ) {
        self.context = context
        self.table = table
        self.lives = lives
        self.links = links
        self.closing = closing
        self.inbound = inbound
        self.shedding = shedding
        self.turns = turns
        self.http = http
        self.webSockets = webSockets
        self.handshakes = handshakes
        self.proxyHeaders = proxyHeaders
        self.buffer = buffer
    }

    /// Takes what has arrived of a connection.
    func read(_ connection: Connection) {
        if connection.phase == .proxyHeader, !proxyHeaders.read(connection) { return }
        let maxBytes = connection.phase == .webSocket ? Input.maxWebSocketReadBytes : .max
        if let secure = links.stream(connection.descriptor) { return read(secure, of: connection, atMost: maxBytes) }
        switch buffer.fill(from: connection.descriptor, atMost: maxBytes) {
        case .bytes:
            lives.heard(connection)
            buffer.withContent { process($0, of: connection) }
            shedding.noteHeld(connection)
        case .wouldBlock: break
        case .endOfStream: closing.peerFinished(connection)
        case .failed: closing.close(connection)
        }
    }

    /// Takes what has arrived of a secure connection.
    private func read(_ secure: SecureStream, of connection: Connection, atMost maxBytes: Int) {
        if !secure.session.isEstablished, !handshakes.advance(secure, connection) { return }
        let result = secure.session.read(into: buffer, atMost: maxBytes)
        // An alert.
        guard links.sendOutput(of: secure) else { return closing.close(connection) }
        switch result {
        case .bytes:
            lives.heard(connection)
            buffer.withContent { process($0, of: connection) }
        case .wouldBlock: break
        case .endOfStream, .truncated: closing.peerFinished(connection)
        case .failed: closing.close(connection)
        }
        shedding.noteHeld(connection)
        // No event follows an end that came behind the bytes: read again.
        if secure.session.hasPendingInput, connection.phase != .closed, !connection.isPaused { turns.add(connection) }
    }

    /// Takes input until it is used up or the connection pauses; the rest is kept.
    private func process(_ input: RawSpan, of connection: Connection) {
        let served = serve(input, of: connection)
        guard served < input.byteCount else { return }
        connection.unread.append(input.extracting(served...))
    }

    /// Serves messages and requests; returns where it stopped, the end if nothing is to be kept.
    private func serve(_ input: RawSpan, of connection: Connection) -> Int {
        let share = turns.share
        var offset = 0
        var served = 0
        defer { turns.noteServed(served) }
        while offset < input.byteCount {
            if connection.isPaused { return offset }
            switch connection.phase {
            case .http: http.next(input, &offset, connection)
            case .webSocket: webSockets.next(input, &offset, connection)
            case .closing: webSockets.awaitClose(input, &offset, connection)
            case .closed, .proxyHeader: return input.byteCount
            }
            if context.hub.queuedReplyBytes(of: connection.slot) > Input.unreadAnswersBytes {
                pauseForAnswers(connection)
            }
            served += 1
            if served == share { turns.add(connection) }
        }
        return input.byteCount
    }

    /// A client that does not read its answers gets no further ones.
    ///
    /// Channel messages do not count, or else the pongs of a client that is merely slow would not be read.
    private func pauseForAnswers(_ connection: Connection) {
        guard connection.phase == .http || connection.phase == .webSocket else { return }
        connection.pause.insert(.unreadAnswers)
    }
}

// MARK: - Sockets that are ready

extension Input: StreamSetDelegate {
    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        guard let connection = table[key] else { return }
        if readiness.contains(.writable), !madeRoom(connection) { return }
        guard connection.phase != .closed, !readiness.isDisjoint(with: [.readable, .hangUp]) else { return }
        if !connection.isPaused {
            read(connection)
        } else if readiness.contains(.hangUp) {
            closing.close(connection)
        } else {
            // The input stays in the kernel until the pause ends.
            table.setInterest(connection.interest.subtracting(.readable), connection)
        }
    }

    /// A peer that was blocked has read something: it is alive, even if its pong is still behind what it has to read.
    ///
    /// - Returns: false if that changes nothing for the hub, or if the connection has ended.
    private func madeRoom(_ connection: Connection) -> Bool {
        if let secure = links.stream(connection.descriptor), !sendUnsent(of: secure) { return false }
        lives.heard(connection)
        context.hub.writable(connection.slot)
        if connection.pause.contains(.unreadAnswers),
            context.hub.queuedReplyBytes(of: connection.slot) <= Input.unreadAnswersBytes
        {
            resume(connection, from: .unreadAnswers)
        }
        return true
    }

    /// What is encrypted goes first.
    ///
    /// - Returns: whether the hub may write.
    private func sendUnsent(of secure: SecureStream) -> Bool {
        let connection = secure.connection
        guard secure.unsentBytes > 0 else { return true }
        guard links.sendUnsent(of: secure) else {
            closing.close(connection)
            return false
        }
        guard secure.unsentBytes == 0 else { return false }
        // The hub may know nothing of what was kept.
        if !context.hub.isBlocked(connection.slot) { drained(connection) }
        return connection.phase != .closed
    }
}

// MARK: - Pauses

extension Input {
    /// Ends a pause: takes what was kept, then what the kernel has.
    func resume(_ connection: Connection, from pause: Connection.Pause) {
        connection.pause.remove(pause)
        guard !connection.isPaused, connection.phase != .closed else { return }
        if !connection.unread.isEmpty { serveUnread(connection) }
        guard !connection.isPaused, connection.phase != .closed else { return }
        table.setInterest(connection.interest.union(.readable), connection)
        if links.stream(connection.descriptor)?.session.hasPendingInput == true { read(connection) }
    }

    /// Serves the kept input.
    ///
    /// What is left stays in the same memory: a client with much input comes here many times.
    private func serveUnread(_ connection: Connection) {
        var unread = connection.unread
        connection.unread = []
        let served = serve(unread.rawSpan, of: connection)
        if served < unread.count {
            unread.removeFirst(served)
            connection.unread = unread
        }
        inbound.update(connection)
    }

    /// All that was queued for a connection has been written.
    func drained(_ connection: Connection) {
        guard closing.drained(connection), connection.pause.contains(.unreadAnswers) else { return }
        resume(connection, from: .unreadAnswers)
    }

    /// Serves clients again that had their share of a turn.
    func serveWaiting() {
        turns.serveAgain { resume($0, from: .othersFirst) }
    }

    /// Goes on with the handshakes that wait for a turn, and counts the shares of the next one.
    func endTurn() {
        handshakes.advanceWaiting { read($0) }
        turns.beginTurn()
    }
}
