internal import Bytes
internal import Channels
internal import WSLoop

/// Reads and handles clients' input: a limited amount per client and turn, and none while a client is paused.
final class Input {
    /// When this many bytes of responses are unread, a client's further requests wait.
    private static let unreadAnswersBytes = 65_536
    /// The most input of a WebSocket or a stream that is handled in a turn; also the most that is kept while it is
    /// paused.
    private static let maxClientReadBytes = 65_536

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
    private let streams: StreamExchange
    private let handshakes: TLSHandshakes
    private let proxyHeaders: ProxyHeaders
    private let buffer: ReadBuffer

    init(
        _ context: LoopContext, _ table: ConnectionTable, _ lives: ConnectionLives, _ links: SecureLinks,
        _ closing: Closing, _ inbound: InboundAccount, _ shedding: InboundShedding, _ turns: TurnQueue,
        _ http: HTTPExchange, _ webSockets: WebSocketExchange, _ streams: StreamExchange,
        _ handshakes: TLSHandshakes, _ proxyHeaders: ProxyHeaders, _ buffer: ReadBuffer
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
        self.streams = streams
        self.handshakes = handshakes
        self.proxyHeaders = proxyHeaders
        self.buffer = buffer
    }

    /// Reads the input of a connection.
    func read(_ connection: Connection) {
        if connection.phase == .proxyHeader, !proxyHeaders.read(connection) { return }
        let maxBytes = connection.phase.isSubscribed ? Input.maxClientReadBytes : .max
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

    /// Reads the input of a secure connection.
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

    /// Handles input until it is used up or the connection pauses; keeps the rest.
    private func process(_ input: RawSpan, of connection: Connection) {
        let served = serve(input, of: connection)
        guard served < input.byteCount else { return }
        connection.unread.append(input.extracting(served...))
    }

    /// Handles messages and requests; returns the offset where it stopped, or the end if nothing must be kept.
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
            case .streaming: streams.drop(input, &offset, connection)
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

    /// A client that does not read its responses gets no further ones.
    ///
    /// Channel messages do not count; otherwise the pongs of a client that is merely slow would not be read.
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
        } else if readiness.contains(.hangUp) || hasGone(connection) {
            closing.close(connection)
        } else {
            // The input stays in the kernel until the pause ends.
            table.setInterest(connection.interest.subtracting(.readable), connection)
        }
    }

    /// Whether a client whose question is asked has ended its stream.
    private func hasGone(_ connection: Connection) -> Bool {
        connection.continuation?.endsWithPeer == true && Socket.isAtEnd(connection.descriptor)
    }

    /// A blocked peer has read something, so it is alive, even if its pong is still queued after unread output.
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

    /// Encrypted bytes go first.
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
        // The hub may not know that anything was kept.
        if !context.hub.isBlocked(connection.slot) { drained(connection) }
        return connection.phase != .closed
    }
}

// MARK: - Pauses

extension Input {
    /// Ends a pause: handles the kept input, then the kernel's.
    func resume(_ connection: Connection, from pause: Connection.Pause) {
        connection.pause.remove(pause)
        guard !connection.isPaused, connection.phase != .closed else { return }
        if !connection.unread.isEmpty { serveUnread(connection) }
        guard !connection.isPaused, connection.phase != .closed else { return }
        table.setInterest(connection.interest.union(.readable), connection)
        if links.stream(connection.descriptor)?.session.hasPendingInput == true { read(connection) }
    }

    /// Handles the kept input.
    ///
    /// The rest stays in the same memory, because a client with much input comes here many times.
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

    /// Everything that was queued for a connection has been written.
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
