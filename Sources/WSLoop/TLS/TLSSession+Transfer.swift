// Reading.
extension TLSSession {
    /// What a read brought.
    public enum ReadResult: Equatable, Sendable {
        /// So many bytes are the buffer's content.
        case bytes(Int)
        /// Nothing now; to be called again when the descriptor is readable.
        case wouldBlock
        /// The peer said that it sends nothing more (close_notify); the other direction may still be open.
        case endOfStream
        /// The stream ended without close_notify: the peer did not take the trouble, or somebody cut it short (RFC 8446 6.1).
        case truncated
        /// The session is broken, for this reason.
        case failed(reason: String)
    }

    /// Replaces the buffer's content by what has arrived; the handshake must be done.
    ///
    /// - Parameter buffer: with room for at least one whole record, 20 KiB.
    /// - Parameter byteCount: how much is taken from the kernel at most.
    public func read(into buffer: ReadBuffer, atMost byteCount: Int = .max) -> ReadResult {
        precondition(isEstablished || isBroken, "TLSSession.read: the handshake is not done")
        if let end {
            hasPendingInput = false
            return end
        }
        guard let records else { return .wouldBlock }
        switch records.fill(buffer, from: descriptor, atMost: byteCount) {
        case .bytes: return open(buffer, records)
        case .wouldBlock: return .wouldBlock
        case .endOfStream: end = .truncated
        case .failed(let code): end = .failed(reason: OpenSSLError.words(errno: code))
        }
        return end ?? .wouldBlock
    }

    /// Puts what the records in a buffer carry into their place.
    private func open(_ buffer: ReadBuffer, _ records: any RecordLayer) -> ReadResult {
        output.begin(for: self)
        let opened = records.open(buffer)
        end = opened.end
        if isBroken { _ = flush() }  // an alert
        guard opened.dataBytes > 0 else { return end ?? .wouldBlock }
        hasPendingInput = end != nil
        return .bytes(opened.dataBytes)
    }
}

// Writing.
extension TLSSession {
    /// What a send took.
    public enum WriteResult: Equatable, Sendable {
        /// So many bytes, at least one unless there were none.
        case accepted(Int)
        /// Nothing now; to be called again, with the same bytes, when the descriptor is writable.
        case wouldBlock
        /// The session is broken, for this reason; a read may know better why.
        case failed(reason: String)
    }

    /// How much of what is offered to `send` is encrypted before the kernel has taken it.
    private static let maxSealedBytes = 65_536

    /// Adds bytes to what the session's output will have, in records as full as possible; the handshake must be done.
    ///
    /// It is complete, and other sessions may use the output, after `finishSealing`.
    public func seal(_ bytes: RawSpan) {
        precondition(isEstablished || isBroken, "TLSSession.seal: the handshake is not done")
        guard let records, !isBroken, !saidGoodbye else { return }
        output.begin(for: self)
        if !records.seal(bytes) { breakDown(records) }
    }

    /// Ends what `seal` began.
    ///
    /// - Returns: false if the session is broken, or `closeNotify` was called.
    public func finishSealing() -> Bool {
        guard let records, !isBroken, !saidGoodbye else { return false }
        output.begin(for: self)
        if !records.finishSealing() { breakDown(records) }
        return !isBroken
    }

    private func breakDown(_ records: any RecordLayer) {
        records.abandonSealing()
        end = .failed(reason: "encryption failed: \(OpenSSLError.take())")
    }

    /// Sends as much of `bytes`, from `offset` on, as the kernel takes; the handshake must be done.
    ///
    /// Bytes beyond what was accepted may be encrypted already. So the next call must begin with the bytes that were not
    /// accepted, and offer at least as many; they may have moved in memory.
    public func send(_ bytes: RawSpan, from offset: Int = 0) -> WriteResult {
        precondition(isEstablished || isBroken, "TLSSession.send: the handshake is not done")
        if case .failed(let reason)? = end { return .failed(reason: reason) }
        guard !saidGoodbye else { return .failed(reason: "nothing can be sent behind a close_notify") }
        if sealedBytes == 0 {
            let part = bytes.extracting(offset...).extracting(first: TLSSession.maxSealedBytes)
            seal(part)
            guard finishSealing() else { return .failed(reason: "encryption failed") }
            sealedBytes = part.byteCount
        }
        let result = flush()
        guard case .accepted = result else { return result }
        defer { sealedBytes = 0 }
        return .accepted(sealedBytes)
    }

    /// Sends what is in an output of the session's own.
    func flush() -> WriteResult {
        guard sendsOutput else { return .accepted(0) }
        while case let unsent = output.part(of: self, from: sentOutputBytes), unsent.count > 0 {
            switch output.send(unsent) {
            case .accepted(let count): sentOutputBytes += count
            case .wouldBlock: return .wouldBlock
            case .failed(let code): return .failed(reason: OpenSSLError.words(errno: code))
            }
        }
        output.removeAll()
        sentOutputBytes = 0
        return .accepted(0)
    }
}
