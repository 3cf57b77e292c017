/// TLS on one connected, non-blocking descriptor; confined to its loop's thread.
///
/// The descriptor is the caller's: the caller waits for its readiness, and closes it when the session is no longer used.
/// Nothing here blocks or waits.
///
/// OpenSSL does the handshake; who makes the records behind it is the context's choice (docs/decisions/0015).
public final class TLSSession {
    /// How far the handshake is.
    public enum HandshakeResult: Equatable, Sendable {
        /// The session is established, and the server's name and certificate are verified.
        case done
        /// To be called again when the descriptor is ready for this.
        case needs(Readiness)
        /// It cannot be established; the reason is for the log.
        case failed(reason: String)
    }

    let descriptor: Int32
    let output: TLSOutput
    /// Whether the output is this session's own, which sends what is in it.
    let sendsOutput: Bool
    private(set) var handshaking: TLSHandshake?
    /// Makes and reads the records, once the handshake is done.
    @safe @exclusivity(unchecked) private(set) var records: (any RecordLayer)?  // docs/decisions/0009, for each record
    /// What every read reports from now on.
    var end: ReadResult?
    /// Whether the peer was told that nothing more comes.
    private(set) var saidGoodbye = false
    /// How much of an output of its own the kernel has taken.
    var sentOutputBytes = 0
    /// How many of the bytes offered to `send` are in it.
    var sealedBytes = 0

    /// Whether another read would bring the end, of which the descriptor's readiness does not tell.
    public internal(set) var hasPendingInput = false

    /// Makes the client's side of a connection to `serverName`; it sends what it has to say by itself.
    ///
    /// - Parameter serverName: the DNS name or numeric address that the server's certificate must be for. A DNS name is
    ///   also told to the server, so that it can choose a certificate.
    public init(context: TLSContext, connected descriptor: Int32, to serverName: String) throws(TLSFailure) {
        precondition(context.role == .client, "TLSSession: a client needs a client's context")
        self.descriptor = descriptor
        output = try TLSOutput()
        sendsOutput = true
        handshaking = try TLSHandshake(context, descriptor: descriptor, output: output, serverName: serverName)
    }

    /// Makes the server's side of an accepted connection, whose output the caller sends.
    ///
    /// Whatever a call on the session has to say, handshake messages, alerts and what is sealed, is then in `output`.
    public init(context: TLSContext, accepted descriptor: Int32, output: TLSOutput) throws(TLSFailure) {
        precondition(context.role == .server, "TLSSession: a server needs a server's context")
        self.descriptor = descriptor
        self.output = output
        sendsOutput = false
        handshaking = try TLSHandshake(context, descriptor: descriptor, output: output, serverName: nil)
    }

    /// Whether the handshake is done.
    public var isEstablished: Bool { records != nil }

    /// Bytes of memory held for input that is not a whole record yet.
    public var heldInputBytes: Int { records?.heldInputBytes ?? 0 }

    /// Takes what the session's calls have added to an output that the caller sends.
    public func takeOutput() -> TLSOutput.Part {
        precondition(!sendsOutput, "TLSSession: a client sends by itself")
        return output.take(from: self)
    }

    /// Goes on with the handshake, as far as it gets without waiting.
    ///
    /// A client that is done has not been accepted yet: with TLS 1.3 the server looks at the client's certificate after
    /// that (RFC 8446 4.4.2 and appendix E.1.2), and a refusal is what the first read brings.
    public func handshake() -> HandshakeResult {
        guard let handshaking else { return .done }
        if case .failed(let reason)? = end { return .failed(reason: reason) }
        output.begin(for: self)
        // What was said last, an alert for instance, goes out even if it failed.
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

    /// Tells the peer that nothing more will be sent, once everything was (RFC 8446 6.1).
    ///
    /// It is tried once: if the kernel has no room, or a part of an earlier send still waits, the peer is not told. What the peer
    /// sends can still be read.
    public func closeNotify() {
        guard let records, !isBroken, !saidGoodbye, sealedBytes == 0 else { return }
        saidGoodbye = true
        output.begin(for: self)
        records.sayGoodbye()
        _ = flush()
    }

    /// Whether the session failed, after which RFC 8446 6.2 allows no further byte.
    var isBroken: Bool {
        if case .failed? = end { true } else { false }
    }
}

@available(*, unavailable)
extension TLSSession: Sendable {}
