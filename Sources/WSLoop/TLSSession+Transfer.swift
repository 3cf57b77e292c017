internal import COpenSSL

extension TLSSession {
    /// What a read brought.
    public enum ReadResult: Equatable, Sendable {
        /// So many bytes are the buffer's content.
        case bytes(Int)
        /// Nothing now; to be called again when the descriptor is ready for this.
        case needs(Readiness)
        /// The peer said that it sends nothing more (close_notify); the other direction may still be open.
        case endOfStream
        /// The stream ended without close_notify: the peer did not take the trouble, or somebody cut it short (RFC 8446 6.1).
        case truncated
        /// The session is broken, for this reason.
        case failed(reason: String)
    }

    /// What a send took.
    public enum WriteResult: Equatable, Sendable {
        /// So many bytes, at least one unless there were none.
        case accepted(Int)
        /// Nothing now; to be called again, with the same bytes, when the descriptor is ready for this.
        case needs(Readiness)
        /// The session is broken, for this reason; a read may know better why.
        case failed(reason: String)
    }

    /// Whether another read would bring something, bytes or the end, that the descriptor's readiness does not tell of.
    ///
    /// It can be so after a read that filled the buffer, or one that met the end behind the bytes that it brought.
    public var hasPendingInput: Bool { hasUnreadInput }

    /// Replaces the buffer's content by what has arrived, at most `byteCount` bytes of it; the handshake must be done.
    ///
    /// It takes what there is or what has room: unless `hasPendingInput` says otherwise, waiting for the descriptor is right.
    public func read(into buffer: ReadBuffer, atMost byteCount: Int = .max) -> ReadResult {
        precondition(isEstablished || isBroken, "TLSSession.read: the handshake is not done")
        var stop = end
        let count = unsafe buffer.fill(atMost: byteCount) { memory in
            var filled = 0
            while stop == nil, filled < memory.count, let base = memory.baseAddress {
                var received = 0
                let outcome = attempt { unsafe SSL_read_ex(raw, base + filled, memory.count - filled, &received) }
                switch outcome {
                case .done: filled += received
                case .needs(let readiness): stop = .needs(readiness)
                case .ended(let end):
                    // OpenSSL would not say it again.
                    self.end = end
                    stop = end
                }
            }
            return filled
        }
        guard count > 0 else {
            hasUnreadInput = false
            return stop ?? .needs(.readable)
        }
        // SSL_has_pending also counts the front of a record whose rest has not arrived: after .needs(.readable) it would
        // have its caller spin.
        hasUnreadInput =
            switch stop {
            case nil: unsafe SSL_has_pending(raw) == 1
            case .needs(.readable): false
            default: true
            }
        return .bytes(count)
    }

    /// Encrypts all of `bytes` into the session's output, in records of at most 16 KiB; the handshake must be done.
    ///
    /// - Returns: false if the session is broken.
    public func seal(_ bytes: RawSpan) -> Bool {
        precondition(isEstablished || isBroken, "TLSSession.seal: the handshake is not done")
        guard !isBroken else { return false }
        return unsafe bytes.withUnsafeBytes { buffer in
            var sealed = 0
            while sealed < buffer.count, let base = buffer.baseAddress {
                var written = 0
                guard case .done = attempt({ unsafe SSL_write_ex(raw, base + sealed, buffer.count - sealed, &written) })
                else { return false }
                sealed += written
            }
            return true
        }
    }

    /// Sends as much of `bytes`, from `offset` on, as the kernel takes; the handshake must be done.
    ///
    /// Bytes beyond what was accepted may be encrypted already, and wait in the session or be sent. So the next call must
    /// begin with the bytes that were not accepted, and offer at least as many; they may have moved in memory.
    public func send(_ bytes: RawSpan, from offset: Int = 0) -> WriteResult {
        precondition(isEstablished || isBroken, "TLSSession.send: the handshake is not done")
        if case .failed(let reason)? = end { return .failed(reason: reason) }
        return unsafe bytes.withUnsafeBytes { buffer in
            var sent = offset
            // OpenSSL makes one record at a time.
            while sent < buffer.count, let base = buffer.baseAddress {
                var written = 0
                let outcome = attempt { unsafe SSL_write_ex(raw, base + sent, buffer.count - sent, &written) }
                switch outcome {
                case .done: sent += written
                case .needs(let readiness): return sent > offset ? .accepted(sent - offset) : .needs(readiness)
                // The read side is left as it is: an alert that says why may be waiting there.
                case .ended(.failed(let reason)): return .failed(reason: reason)
                case .ended: return .failed(reason: "the \(peer) has closed the connection")
                }
            }
            return .accepted(sent - offset)
        }
    }
}
