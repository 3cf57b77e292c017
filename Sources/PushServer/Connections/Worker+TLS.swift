internal import Bytes
internal import Channels
internal import DequeModule
internal import Glibc
internal import HTTP
internal import Logging
internal import WSLoop

/// What the writes of one call to the kernel are, where some of them are encrypted.
enum PreparedLinkWrite {
    /// A write of its own in the list.
    case plain(Int)
    /// A write in the list, of a part of the output that stands for so many plain bytes.
    case sealed(Int, TLSOutput.Part, plainBytes: Int, SecureStream)
    /// What was encrypted before has to go first.
    case blocked
    /// The session is broken.
    case failed
}

// Reading.
extension Worker {
    /// How many handshakes a turn does one step of: a signature takes a good part of a millisecond.
    private static let handshakesInTurn = 8
    /// Enough to know a proxy's header by.
    private static let plainBeginningBytes = 16
    /// The first byte of a TLS record that begins a handshake (RFC 8446 section 5.1).
    private static let handshakeRecord: UInt8 = 22

    /// Gives an accepted connection its session.
    ///
    /// - Returns: false if there is no memory for one.
    func secure(_ connection: Connection, with context: TLSContext) -> Bool {
        do throws(TLSFailure) {
            if output == nil { output = try TLSOutput() }
            guard let output else { return false }
            let session = try TLSSession(context: context, accepted: connection.descriptor, output: output)
            while secured.count <= Int(connection.descriptor) { secured.append(nil) }
            secured[Int(connection.descriptor)] = SecureStream(connection, session)
            return true
        } catch {
            state.logger.warning("client refused", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Takes what has arrived of a secure connection.
    func read(_ secure: SecureStream, of connection: Connection, atMost maxBytes: Int) {
        guard secure.session.isEstablished else { return takeTurn(secure, connection) }
        let result = secure.session.read(into: buffer, atMost: maxBytes)
        sendOutput(of: secure, connection)  // an alert
        guard connection.phase != .closed else { return }
        switch result {
        case .bytes:
            heard(connection)
            buffer.withContent { process($0, of: connection) }
        case .wouldBlock: break
        case .endOfStream, .truncated: peerFinished(connection)
        case .failed: close(connection)
        }
        noteHeld(connection)
        // An end behind the bytes nobody announces.
        if secure.session.hasPendingInput, connection.phase != .closed, !connection.isPaused {
            pauseForOthers(connection)
        }
    }

    /// Does a step of the handshake, or waits for a turn in which not so many others do.
    private func takeTurn(_ secure: SecureStream, _ connection: Connection) {
        guard handshakesThisTurn < Worker.handshakesInTurn else {
            guard !connection.pause.contains(.handshaking) else { return }
            connection.pause.insert(.handshaking)
            waitingHandshakes.append(connection.key)
            return
        }
        handshakesThisTurn += 1
        shakeHands(secure, connection)
    }

    /// Lets those go on that wait; called at the end of each turn.
    func continueHandshakes() {
        handshakesThisTurn = 0
        guard !waitingHandshakes.isEmpty else { return }
        for _ in 0..<Worker.handshakesInTurn {
            guard let key = waitingHandshakes.popFirst() else { break }
            guard let connection = connection(key), let secure = secureStream(connection.descriptor) else { continue }
            connection.pause.remove(.handshaking)
            shakeHands(secure, connection)
            if connection.phase != .closed { setInterest(connection.interest.union(.readable), connection) }
        }
        if !waitingHandshakes.isEmpty { post(.wakeUp, to: index) }
    }

    private func shakeHands(_ secure: SecureStream, _ connection: Connection) {
        if !secure.hasBegun {
            guard let first = Socket.peek(connection.descriptor) else { return readEnd(connection) }
            secure.hasBegun = true
            guard first == Worker.handshakeRecord || !refusesPlain(connection, first) else { return }
        }
        let result = secure.session.handshake()
        sendOutput(of: secure, connection)
        switch result {
        case .done:
            counters.tlsHandshakes += 1
            read(connection)
        case .needs: break
        case .failed(let reason):
            counters.tlsFailures += 1
            state.logger.debug("TLS handshake failed", metadata: ["reason": "\(reason)"])
            close(connection)
        }
    }

    /// Nothing has come yet, or nothing will.
    private func readEnd(_ connection: Connection) {
        if Socket.isAtEnd(connection.descriptor) { close(connection) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF)
    }

    /// Refuses what begins with plain HTTP or with a proxy's header, in words that such a client can read.
    ///
    /// - Returns: false if it is something else.
    private func refusesPlain(_ connection: Connection, _ first: UInt8) -> Bool {
        let session = secured[Int(connection.descriptor)]
        secured[Int(connection.descriptor)] = nil
        var isProxy = false
        if case .bytes = buffer.peek(at: connection.descriptor, atMost: Worker.plainBeginningBytes) {
            buffer.withContent { isProxy = refusesProxyHeader($0, connection) }
        }
        if isProxy { return true }
        guard Worker.isLetter(first) else {
            secured[Int(connection.descriptor)] = session
            return false
        }
        connection.endsAfterResponse = true
        respond(.error(.badRequest, "this port speaks TLS: https:// or wss://"), to: connection)
        return true
    }
}

// Writing.
extension Worker {
    /// So much of what waits is encrypted at a time: it can no longer be dropped then, and must leave newer messages room
    /// in the outbox.
    private var maxSealedBytes: Int { min(65_536, hub.outboxLimitBytes / 4 + 1) }

    func unsentBytes(of link: Int32) -> Int {
        secureStream(link)?.unsentBytes ?? 0
    }

    /// Forgets the session of a connection that ends, and says so to its client if nothing is in the way of that.
    func endSecure(_ connection: Connection) {
        guard let secure = secureStream(connection.descriptor) else { return }
        if secure.unsentBytes == 0, let output, output.count == 0 {
            secure.session.closeNotify()
            let part = secure.session.takeOutput()
            _ = output.send(part)
            output.release(part)
        }
        unsentBytes -= secure.unsentBytes
        secured[Int(connection.descriptor)] = nil
    }

    /// The session of the connection on a descriptor; nil if it is a plain one.
    func secureStream(_ link: Int32) -> SecureStream? {
        Int(link) < secured.count ? secured[Int(link)] : nil
    }

    /// Makes the hub's writes on a worker that has secure connections.
    func sendSealed(_ prepared: PreparedWrites) {
        for index in 0..<prepared.count {
            if let secure = secureStream(prepared.link(index)) {
                prepareSealed(secure) { lend(prepared, index, to: $0) }
            } else {
                // From here on a write's number is not the number of the hub's write.
                preparedLinks.append(.plain(writes.count))
                addPlain(prepared, index)
            }
        }
        sendPreparedLinks { prepared.complete($0, $1) }
    }

    private func lend(_ prepared: PreparedWrites, _ index: Int, to body: (RawSpan) -> Bool) {
        if let piece = unsafe prepared.piece(index) {
            _ = unsafe body(piece.bytes)
        } else {
            prepared.outbox(index)?.forEachPiece(body)
        }
    }

    /// Encrypts a write.
    ///
    /// - Parameter lend: lends the plain bytes piece by piece until it is told that it is enough.
    private func prepareSealed(_ secure: SecureStream, _ lend: ((RawSpan) -> Bool) -> Void) {
        guard secure.unsentBytes == 0 else { return preparedLinks.append(.blocked) }
        let maxPlainBytes = maxSealedBytes
        var plainBytes = 0
        lend { piece in
            let piece = piece.extracting(first: maxPlainBytes - plainBytes)
            plainBytes += piece.byteCount
            secure.session.seal(piece)
            return plainBytes < maxPlainBytes
        }
        let isSealed = secure.session.finishSealing()
        let part = secure.session.takeOutput()
        guard isSealed else { return preparedLinks.append(.failed) }
        writes.add(to: secure.connection.descriptor)
        preparedLinks.append(.sealed(writes.count - 1, part, plainBytes: plainBytes, secure))
    }

    /// Makes the prepared writes, of which some are encrypted.
    private func sendPreparedLinks(_ completed: (_ write: Int, _ result: SendResult) -> Void) {
        for link in preparedLinks {
            if case .sealed(let write, let part, _, _) = link { output?.place(part, in: writes, at: write) }
        }
        sender.send(writes)
        var links: [PreparedLinkWrite] = []
        swap(&links, &preparedLinks)
        for (index, link) in links.enumerated() {
            switch link {
            case .plain(let write): completed(index, Worker.result(writes.result(write)))
            case .blocked: completed(index, .blocked)
            case .failed: completed(index, .failed(EPIPE))
            case .sealed(let write, let part, let plainBytes, let secure):
                completed(index, sealedResult(writes.result(write), part, plainBytes, secure))
            }
        }
        links.removeAll(keepingCapacity: true)
        swap(&links, &preparedLinks)
        writes.removeAll()
        output?.removeAll()
    }

    /// To the hub what is encrypted is as good as sent.
    private func sealedResult(
        _ result: Socket.WriteResult, _ part: TLSOutput.Part, _ plainBytes: Int, _ secure: SecureStream
    ) -> SendResult {
        switch result {
        case .accepted(let count) where count == part.count: return .accepted(plainBytes)
        case .accepted(let count): keep(part.dropFirst(count), of: secure)
        case .wouldBlock: keep(part, of: secure)
        case .failed(let code): return .failed(code)
        }
        return .accepted(plainBytes)
    }

    private func keep(_ part: TLSOutput.Part, of secure: SecureStream) {
        let connection = secure.connection
        if let output { secure.keep(part, of: output) }
        unsentBytes += part.count
        waitForRoom(connection)
    }

    /// Sends what a call on the session had to say by itself: handshake messages and alerts.
    func sendOutput(of secure: SecureStream, _ connection: Connection) {
        guard let output else { return }
        let part = secure.session.takeOutput()
        guard part.count > 0 else { return }
        if connection.phase != .closed {
            secure.keep(part, of: output)
            unsentBytes += part.count
        }
        output.release(part)
        sendUnsent(of: secure, connection)
    }

    /// Sends what was kept; true if nothing is left of it.
    @discardableResult
    func sendUnsent(of secure: SecureStream, _ connection: Connection) -> Bool {
        guard connection.phase != .closed else { return false }
        let before = secure.unsentBytes
        let isOpen = secure.sendUnsent()
        unsentBytes -= before - secure.unsentBytes
        guard isOpen else {
            close(connection)
            return false
        }
        guard secure.unsentBytes > 0 else { return true }
        // A client that takes nothing makes no progress by what it makes the session say.
        if !connection.life.isBlocked { waitForRoom(connection) }
        return false
    }

    /// The kernel has room: what is encrypted goes first.
    ///
    /// - Returns: whether the hub may write.
    func madeRoom(_ secure: SecureStream, _ connection: Connection) -> Bool {
        guard secure.unsentBytes > 0 else { return true }
        guard sendUnsent(of: secure, connection) else { return false }
        // The hub may know nothing of what was kept.
        if !hub.isBlocked(connection.slot) { drained(connection) }
        return connection.phase != .closed
    }
}
