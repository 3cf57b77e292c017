internal import Bytes
internal import Channels
internal import HTTP
internal import Logging
internal import WSLoop
internal import WebSocket

extension Worker: StreamSetDelegate {
    /// Past so many bytes of unread answers a client's further requests wait.
    private static let unreadAnswersBytes = 65_536

    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        guard let connection = connection(key) else { return }
        if readiness.contains(.writable) {
            if let secure = secureStream(connection.descriptor), !madeRoom(secure, connection) { return }
            madeRoom(connection)
        }
        guard connection.phase != .closed, !readiness.isDisjoint(with: [.readable, .hangUp]) else { return }
        if !connection.isPaused {
            read(connection)
        } else if readiness.contains(.hangUp) {
            close(connection)
        } else {
            // The input stays in the kernel until the pause ends.
            setInterest(connection.interest.subtracting(.readable), connection)
        }
    }

    /// A peer that was blocked has read something: it is alive, even if its pong is still behind what it has to read.
    private func madeRoom(_ connection: Connection) {
        heard(connection)
        hub.writable(connection.slot)
        guard connection.pause.contains(.unreadAnswers),
            hub.queuedReplyBytes(of: connection.slot) <= Worker.unreadAnswersBytes
        else { return }
        resume(connection, from: .unreadAnswers)
    }

    /// The most that a WebSocket is served in a turn; also the most that is kept of it while it is paused.
    private static let maxWebSocketReadBytes = 65_536

    /// Takes what has arrived of a connection.
    func read(_ connection: Connection) {
        if connection.phase == .proxyHeader { return readProxyHeader(connection) }
        let maxBytes = connection.phase == .webSocket ? Worker.maxWebSocketReadBytes : .max
        if let secure = secureStream(connection.descriptor) { return read(secure, of: connection, atMost: maxBytes) }
        switch buffer.fill(from: connection.descriptor, atMost: maxBytes) {
        case .bytes:
            heard(connection)
            buffer.withContent { process($0, of: connection) }
            noteHeld(connection)
        case .wouldBlock: break
        case .endOfStream: peerFinished(connection)
        case .failed: close(connection)
        }
    }

    /// The most messages or requests of one client in a turn.
    private static let maxMessagesInTurn = 32
    /// After this many of all clients together, each is served only a few more.
    ///
    /// Messages that were published in the turn are written at its end, so the turn must be short.
    private static let maxMessagesOfAllInTurn = 128
    private static let minMessagesInTurn = 4

    private var messageShare: Int {
        servedThisTurn < Worker.maxMessagesOfAllInTurn ? Worker.maxMessagesInTurn : Worker.minMessagesInTurn
    }

    /// Takes input until it is used up or the connection pauses; the rest is kept.
    func process(_ input: RawSpan, of connection: Connection) {
        let served = serve(input, of: connection)
        guard served < input.byteCount else { return }
        connection.unread.append(input.extracting(served...))
    }

    /// Serves messages and requests; returns where it stopped, the end if nothing is to be kept.
    private func serve(_ input: RawSpan, of connection: Connection) -> Int {
        let share = messageShare
        var offset = 0
        var served = 0
        defer { servedThisTurn += served }
        while offset < input.byteCount {
            if connection.isPaused { return offset }
            switch connection.phase {
            case .http: nextRequest(input, &offset, connection)
            case .webSocket: nextMessage(input, &offset, connection)
            case .closing: awaitClose(input, &offset, connection)
            case .closed, .proxyHeader: return input.byteCount
            }
            if hub.queuedReplyBytes(of: connection.slot) > Worker.unreadAnswersBytes { pauseForAnswers(connection) }
            served += 1
            if served == share { pauseForOthers(connection) }
        }
        return input.byteCount
    }

    /// A client that sends many small messages goes on when the sockets that are ready by now have been served.
    func pauseForOthers(_ connection: Connection) {
        guard connection.phase == .http || connection.phase == .webSocket else { return }
        connection.pause.insert(.othersFirst)
        waitingForTurn.append(connection.key)
        if waitingForTurn.count == 1 { post(.goOn, to: index) }
    }

    /// The most clients that are served again in a turn: together they must not delay the rest either.
    private static let maxServedAgain = 8

    /// Serves clients again that had their share of a turn.
    func goOn() {
        for _ in 0..<min(waitingForTurn.count, Worker.maxServedAgain) {
            // Stays in front meanwhile, so that a client that joins the queue finds it occupied and posts nothing.
            guard let key = waitingForTurn.first else { break }
            if let connection = connection(key), connection.pause.contains(.othersFirst) {
                resume(connection, from: .othersFirst)
            }
            waitingForTurn.removeFirst()
        }
        if !waitingForTurn.isEmpty { post(.goOn, to: index) }
    }

    /// A client that does not read its answers gets no further ones.
    ///
    /// Channel messages do not count, or else the pongs of a client that is merely slow would not be read.
    private func pauseForAnswers(_ connection: Connection) {
        guard connection.phase == .http || connection.phase == .webSocket else { return }
        connection.pause.insert(.unreadAnswers)
    }

    /// Ends a pause: takes what was kept, then what the kernel has.
    func resume(_ connection: Connection, from pause: Connection.Pause) {
        connection.pause.remove(pause)
        guard !connection.isPaused, connection.phase != .closed else { return }
        if !connection.unread.isEmpty { serveUnread(connection) }
        guard !connection.isPaused, connection.phase != .closed else { return }
        setInterest(connection.interest.union(.readable), connection)
        if secureStream(connection.descriptor)?.session.hasPendingInput == true { read(connection) }
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
        updateHeld(connection)
    }

    func setInterest(_ interest: Readiness, _ connection: Connection) {
        guard interest != connection.interest else { return }
        connection.interest = interest
        streams?.update(connection.descriptor, key: connection.key, interest: interest)
    }

    /// The peer sends nothing more.
    func peerFinished(_ connection: Connection) {
        tell(.peerFinished(isAllSent: isAllSent(connection)), connection)
    }
}

extension Worker: HubTransport {
    // The memory of what is prepared belongs to batches that the hub or the outbox holds until they were sent.

    func send(_ prepared: PreparedWrites) {
        guard secured.isEmpty else { return sendSealed(prepared) }
        for index in 0..<prepared.count { addPlain(prepared, index) }
        sender.send(writes)
        for index in 0..<prepared.count { prepared.complete(index, Worker.result(writes.result(index))) }
        writes.removeAll()
    }

    /// Adds a write of plain bytes to the list for the kernel.
    func addPlain(_ prepared: PreparedWrites, _ index: Int) {
        writes.add(to: prepared.link(index))
        if let piece = unsafe prepared.piece(index) {
            _ = unsafe writes.append(piece)
        } else {
            prepared.outbox(index)?.forEachPiece { piece in unsafe piece.withUnsafeBytes { unsafe writes.append($0) } }
        }
    }

    static func result(_ result: Socket.WriteResult) -> SendResult {
        switch result {
        case .accepted(let count): .accepted(count)
        case .wouldBlock: .blocked
        case .failed(let code): .failed(code)
        }
    }
}
