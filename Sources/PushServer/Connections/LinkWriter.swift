internal import Bytes
internal import Channels
internal import Glibc
internal import WSLoop

/// Performs the hub's writes as one list, encrypted if the connection has a session.
///
/// The memory of prepared writes belongs to batches that the hub or an outbox holds until they were sent.
final class LinkWriter: HubTransport {
    /// The writes of one list, some of which are encrypted.
    private enum Link {
        /// A write in the list.
        case plain(Int)
        /// A write in the list, of a part of the output that contains this many plain bytes.
        case sealed(Int, TLSOutput.Part, plainBytes: Int, SecureStream)
        /// Bytes that were encrypted before must be sent first.
        case blocked
        /// The session is broken.
        case failed
    }

    private let links: SecureLinks
    private let lives: ConnectionLives
    private let sender: any Sender
    private let writes = WriteList()
    @safe @exclusivity(unchecked) private var list: [Link] = []
    /// The most bytes that are encrypted at a time: they can no longer be dropped, and must leave room in the outbox
    /// for newer messages.
    private let maxSealedBytes: Int

    init(_ context: LoopContext, _ links: SecureLinks, _ lives: ConnectionLives, _ sender: any Sender) {
        self.links = links
        self.lives = lives
        self.sender = sender
        context.state.boards.noteSender(sender, of: context.index)
        maxSealedBytes = min(65_536, context.hub.outboxLimitBytes / 4 + 1)
    }

    func send(_ prepared: PreparedWrites) {
        guard links.isEmpty else { return sendSealed(prepared) }
        for index in 0..<prepared.count { addPlain(prepared, index) }
        sender.send(writes)
        for index in 0..<prepared.count { prepared.complete(index, LinkWriter.result(writes.result(index))) }
        writes.removeAll()
    }

    func unsentBytes(of link: Int32) -> Int { links.unsentBytes(of: link) }

    /// Adds a write of plain bytes to the list for the kernel.
    private func addPlain(_ prepared: PreparedWrites, _ index: Int) {
        writes.add(to: prepared.link(index))
        if let piece = unsafe prepared.piece(index) {
            _ = unsafe writes.append(piece)
        } else {
            prepared.outbox(index)?.forEachPiece { piece in unsafe piece.withUnsafeBytes { unsafe writes.append($0) } }
        }
    }

    private static func result(_ result: Socket.WriteResult) -> SendResult {
        switch result {
        case .accepted(let count): .accepted(count)
        case .wouldBlock: .blocked
        case .failed(let code): .failed(code)
        }
    }
}

// MARK: - Encrypted writes

extension LinkWriter {
    /// Makes writes of which some are encrypted.
    private func sendSealed(_ prepared: PreparedWrites) {
        for index in 0..<prepared.count {
            if let secure = links.stream(prepared.link(index)) {
                seal(secure) { lend(prepared, index, to: $0) }
            } else {
                // From here on a write's index in the list differs from its index in the hub's list.
                list.append(.plain(writes.count))
                addPlain(prepared, index)
            }
        }
        sendLinks { prepared.complete($0, $1) }
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
    /// - Parameter lend: lends the plain bytes piece by piece until it returns false.
    private func seal(_ secure: SecureStream, _ lend: ((RawSpan) -> Bool) -> Void) {
        guard secure.unsentBytes == 0 else { return list.append(.blocked) }
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
        guard isSealed else { return list.append(.failed) }
        writes.add(to: secure.connection.descriptor)
        list.append(.sealed(writes.count - 1, part, plainBytes: plainBytes, secure))
    }

    private func sendLinks(_ completed: (_ write: Int, _ result: SendResult) -> Void) {
        for link in list {
            if case .sealed(let write, let part, _, _) = link { links.output?.place(part, in: writes, at: write) }
        }
        sender.send(writes)
        var sent: [Link] = []
        swap(&sent, &list)
        for (index, link) in sent.enumerated() {
            switch link {
            case .plain(let write): completed(index, LinkWriter.result(writes.result(write)))
            case .blocked: completed(index, .blocked)
            case .failed: completed(index, .failed(EPIPE))
            case .sealed(let write, let part, let plainBytes, let secure):
                completed(index, result(writes.result(write), of: part, plainBytes, secure))
            }
        }
        sent.removeAll(keepingCapacity: true)
        swap(&sent, &list)
        writes.removeAll()
        links.output?.removeAll()
    }

    /// For the hub, encrypted bytes count as sent.
    private func result(
        _ result: Socket.WriteResult, of part: TLSOutput.Part, _ plainBytes: Int, _ secure: SecureStream
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
        links.keep(part, of: secure)
        lives.waitForRoom(secure.connection)
    }
}
