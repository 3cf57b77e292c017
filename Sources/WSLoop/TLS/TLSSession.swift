/// TLS on one connected, non-blocking descriptor; confined to its loop's thread.
///
/// The caller owns the descriptor: it watches the readiness, and closes the descriptor when the session is no longer
/// used. No call here blocks.
///
/// OpenSSL does the handshake; the context decides which code handles the records after it (docs/decisions/0015).
public final class TLSSession {
    /// The progress of the handshake.
    public enum HandshakeResult: Equatable, Sendable {
        /// The session is established, and the server's name and certificate are verified.
        case done
        /// Call again when the descriptor is ready for this.
        case needs(Readiness)
        /// The session cannot be established; the reason is for the log.
        case failed(reason: String)
    }

    let descriptor: Int32
    let output: TLSOutput
    /// Whether the output belongs to this session alone, which then sends its content.
    let sendsOutput: Bool
    private(set) var handshaking: TLSHandshake?
    /// The record layer, once the handshake is done.
    @safe @exclusivity(unchecked) private(set) var records: (any RecordLayer)?  // docs/decisions/0009, for each record
    /// What every read returns from now on.
    var end: ReadResult?
    /// Whether the peer was told that nothing more will be sent.
    private(set) var sentCloseNotify = false
    /// How much of its own output the kernel has accepted.
    var sentOutputBytes = 0
    /// How many of the bytes offered to `send` are in the output.
    var sealedBytes = 0

    /// Whether another read would return the end of the stream, which the descriptor's readiness does not show.
    public internal(set) var hasPendingInput = false

    /// Makes the client side of a connection to `serverName`; the session itself sends its output.
    ///
    /// - Parameter serverName: the DNS name or numeric address that the server's certificate must be for. A DNS name is
    ///   also sent to the server, so that it can choose a certificate.
    public init(context: TLSContext, connected descriptor: Int32, to serverName: String) throws(TLSFailure) {
        precondition(context.role == .client, "TLSSession: a client needs a client's context")
        self.descriptor = descriptor
        output = try TLSOutput()
        sendsOutput = true
        handshaking = try TLSHandshake(context, descriptor: descriptor, output: output, serverName: serverName)
    }

    /// Makes the server side of an accepted connection; the caller sends the output.
    ///
    /// Everything a call produces (handshake messages, alerts, sealed bytes) is then in `output`.
    public init(context: TLSContext, accepted descriptor: Int32, output: TLSOutput) throws(TLSFailure) {
        precondition(context.role == .server, "TLSSession: a server needs a server's context")
        self.descriptor = descriptor
        self.output = output
        sendsOutput = false
        handshaking = try TLSHandshake(context, descriptor: descriptor, output: output, serverName: nil)
    }

    /// Makes the server side of an accepted connection; the session itself sends its output.
    public init(context: TLSContext, accepted descriptor: Int32) throws(TLSFailure) {
        precondition(context.role == .server, "TLSSession: a server needs a server's context")
        self.descriptor = descriptor
        output = try TLSOutput()
        sendsOutput = true
        handshaking = try TLSHandshake(context, descriptor: descriptor, output: output, serverName: nil)
    }

    /// Whether the handshake is done.
    public var isEstablished: Bool { records != nil }

    /// Bytes of memory held for an incomplete record.
    public var heldInputBytes: Int { records?.heldInputBytes ?? 0 }

    /// Takes what the session's calls have added to an output that the caller sends.
    public func takeOutput() -> TLSOutput.Part {
        precondition(!sendsOutput, "TLSSession: a client sends by itself")
        return output.take(from: self)
    }

    /// Continues the handshake as far as possible without waiting.
    ///
    /// A finished client handshake does not mean that the server accepted the client: with TLS 1.3 the server checks
    /// the client's certificate afterwards (RFC 8446 4.4.2 and appendix E.1.2). The first read then returns a refusal.
    public func handshake() -> HandshakeResult {
        guard let handshaking else { return .done }
        if case .failed(let reason)? = end { return .failed(reason: reason) }
        output.begin(for: self)
        // Even after a failure the last message, such as an alert, is sent.
        switch (handshaking.step(), flush()) {
        case (.failed(let reason), _), (_, .failed(let reason)): return fail(reason)
        case (_, .wouldBlock): return .needs(.writable)
        case (.needs(let readiness), _): return .needs(readiness)
        case (.done, .accepted): return establish(handshaking)
        }
    }

    private func establish(_ handshaking: TLSHandshake) -> HandshakeResult {
        guard let records = handshaking.makeRecords() else { return fail("no keys: \(OpenSSLError.take())") }
        self.records = records
        self.handshaking = nil
        return .done
    }

    private func fail(_ reason: String) -> HandshakeResult {
        end = .failed(reason: reason)
        return .failed(reason: reason)
    }

    /// Announces to the peer that nothing more will be sent, after everything was sent (RFC 8446 6.1).
    ///
    /// This is tried once: if the kernel has no room, or part of an earlier send is still waiting, the peer is not
    /// told. Input from the peer can still be read.
    public func closeNotify() {
        guard let records, !isBroken, !sentCloseNotify, sealedBytes == 0 else { return }
        sentCloseNotify = true
        output.begin(for: self)
        records.sendCloseNotify()
        _ = flush()
    }

    /// Whether the session failed; RFC 8446 6.2 then allows no further byte.
    var isBroken: Bool {
        if case .failed? = end { true } else { false }
    }
}

@available(*, unavailable)
extension TLSSession: Sendable {}
