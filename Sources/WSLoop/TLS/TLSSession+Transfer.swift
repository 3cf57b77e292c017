// Reading.
extension TLSSession {
    /// The result of a read.
    public enum ReadResult: Equatable, Sendable {
        /// The buffer's content is this many bytes.
        case bytes(Int)
        /// Nothing to read now; call again when the descriptor is readable.
        case wouldBlock
        /// The peer announced that it sends nothing more (close_notify); the other direction may still be open.
        case endOfStream
        /// The stream ended without close_notify: the peer left it out, or an attacker cut the stream (RFC 8446 6.1).
        case truncated
        /// The session is broken, for this reason.
        case failed(reason: String)
    }

    /// Replaces the buffer's content with the bytes that have arrived; the handshake must be done.
    ///
    /// - Parameter buffer: has room for at least one complete record, 20 KiB.
    /// - Parameter byteCount: the most bytes to read from the kernel.
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

    /// Replaces the records in a buffer with their content.
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
    /// The result of a send.
    public enum WriteResult: Equatable, Sendable {
        /// This many bytes were accepted; at least one unless none were offered.
        case accepted(Int)
        /// Nothing was accepted now; call again, with the same bytes, when the descriptor is writable.
        case wouldBlock
        /// The session is broken, for this reason; a read may return a more precise one.
        case failed(reason: String)
    }

    /// The most bytes that `send` encrypts before the kernel has accepted them.
    private static let maxSealedBytes = 65_536

    /// Adds bytes to the session's output, in records as full as possible; the handshake must be done.
    ///
    /// Call `finishSealing` to complete the last record, before other sessions use the output.
    public func seal(_ bytes: RawSpan) {
        precondition(isEstablished || isBroken, "TLSSession.seal: the handshake is not done")
        guard let records, !isBroken, !sentCloseNotify else { return }
        output.begin(for: self)
        if !records.seal(bytes) { breakDown(records) }
    }

    /// Completes the records that `seal` began.
    ///
    /// - Returns: false if the session is broken, or `closeNotify` was called.
    public func finishSealing() -> Bool {
        guard let records, !isBroken, !sentCloseNotify else { return false }
        output.begin(for: self)
        if !records.finishSealing() { breakDown(records) }
        return !isBroken
    }

    private func breakDown(_ records: any RecordLayer) {
        records.abandonSealing()
        end = .failed(reason: "encryption failed: \(OpenSSLError.take())")
    }

    /// Sends as much of `bytes`, from `offset` on, as the kernel accepts; the handshake must be done.
    ///
    /// Bytes after the accepted ones may already be encrypted. So the next call must begin with the first byte that was
    /// not accepted, and offer at least as many bytes; they may have moved in memory.
    public func send(_ bytes: RawSpan, from offset: Int = 0) -> WriteResult {
        precondition(isEstablished || isBroken, "TLSSession.send: the handshake is not done")
        if case .failed(let reason)? = end { return .failed(reason: reason) }
        guard !sentCloseNotify else { return .failed(reason: "nothing can be sent after a close_notify") }
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

    /// Sends the content of an output that belongs to this session alone.
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
