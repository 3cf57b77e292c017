internal import COpenSSL
internal import Glibc

/// TLS on one connected, non-blocking descriptor; confined to its loop's thread.
///
/// The descriptor is the caller's: the caller waits for its readiness, and closes it when the session is no longer used.
/// Nothing here blocks or waits. OpenSSL writes with write(2), which has no MSG_NOSIGNAL: the process must ignore SIGPIPE
/// (`SystemLimits.ignoreBrokenPipes`).
///
/// An idle session keeps no buffers (SSL_MODE_RELEASE_BUFFERS).
@safe
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

    /// How one call on the session ended.
    enum Outcome {
        case done
        case needs(Readiness)
        case ended(ReadResult)
    }

    let raw: OpaquePointer
    /// Kept: a handshake looks into its table of certificates.
    private let context: TLSContext
    /// Kept: OpenSSL writes into it for as long as the session lives.
    private var output: TLSOutput?
    /// Whether the handshake is done.
    public private(set) var isEstablished = false
    private var saidGoodbye = false
    /// What every read reports from now on.
    var end: ReadResult?
    var hasUnreadInput = false

    /// Makes the client's side of a connection to `serverName`.
    ///
    /// - Parameter serverName: the DNS name or numeric address that the server's certificate must be for. A DNS name is
    ///   also told to the server, so that it can choose a certificate.
    public convenience init(context: TLSContext, connected descriptor: Int32, to serverName: String) throws(TLSFailure)
    {
        precondition(context.role == .client, "TLSSession: a client needs a client's context")
        try self.init(context: context, descriptor: descriptor)
        try expect(serverName)
        unsafe SSL_set_connect_state(raw)
    }

    /// Makes the server's side of an accepted connection.
    public convenience init(context: TLSContext, accepted descriptor: Int32) throws(TLSFailure) {
        precondition(context.role == .server, "TLSSession: a server needs a server's context")
        try self.init(context: context, descriptor: descriptor)
        unsafe SSL_set_accept_state(raw)
    }

    /// Makes the server's side of an accepted connection that reads by itself, and whose output the caller sends.
    ///
    /// Whatever a call on the session has to say, handshake messages, alerts and what is sealed, is then in `output`.
    public convenience init(context: TLSContext, accepted descriptor: Int32, output: TLSOutput) throws(TLSFailure) {
        try self.init(context: context, accepted: descriptor)
        self.output = output
        // The socket's BIO goes on reading; its other reference ends here.
        unsafe BIO_up_ref(output.bio)
        unsafe SSL_set0_wbio(raw, output.bio)
    }

    private init(context: TLSContext, descriptor: Int32) throws(TLSFailure) {
        OpenSSLError.clear()
        guard let session = unsafe SSL_new(context.raw) else {
            throw .library(operation: "SSL_new", reason: OpenSSLError.take().description)
        }
        unsafe raw = session
        self.context = context
        if let reason = OpenSSLError.words(from: { unsafe SSL_set_fd(raw, descriptor) }) {
            throw .library(operation: "SSL_set_fd", reason: reason)
        }
    }

    deinit {
        unsafe SSL_free(raw)
    }

    /// Goes on with the handshake, as far as it gets without waiting.
    ///
    /// A client that is done has not been accepted yet: with TLS 1.3 the server looks at the client's certificate after
    /// that (RFC 8446 4.4.2 and appendix E.1.2), and a refusal is what the first read brings.
    public func handshake() -> HandshakeResult {
        if isEstablished { return .done }
        if case .failed(let reason)? = end { return .failed(reason: reason) }
        switch attempt({ unsafe SSL_do_handshake(raw) }) {
        case .done:
            isEstablished = true
            return .done
        case .needs(let readiness): return .needs(readiness)
        case .ended(let end):
            let reason =
                if case .failed(let words) = end { words } else {
                    "the \(peer) closed the connection during the TLS handshake"
                }
            self.end = .failed(reason: reason)
            return .failed(reason: reason)
        }
    }

    /// Tells the peer that nothing more will be sent, once everything was (RFC 8446 6.1).
    ///
    /// It is tried once: if the kernel has no room, or a part of an earlier send still waits, the peer is not told. What the peer
    /// sends can still be read.
    public func closeNotify() {
        guard isEstablished, !isBroken, !saidGoodbye else { return }
        // A second SSL_shutdown would read, and fail at the peer's data.
        saidGoodbye = true
        _ = attempt { unsafe SSL_shutdown(raw) }
    }

    /// Makes one call that returns 1, or what SSL_get_error(3) explains.
    func attempt(_ call: () -> Int32) -> Outcome {
        OpenSSLError.clear()
        errno = 0
        let result = call()
        guard result <= 0 else { return .done }
        let code = errno
        switch unsafe SSL_get_error(raw, result) {
        case SSL_ERROR_WANT_READ: return .needs(.readable)
        case SSL_ERROR_WANT_WRITE: return .needs(.writable)
        case SSL_ERROR_ZERO_RETURN: return .ended(.endOfStream)
        case SSL_ERROR_SYSCALL:
            let code = OpenSSLError.take().errno ?? code
            return .ended(code == 0 ? .truncated : .failed(reason: OpenSSLError.words(errno: code)))
        default:
            let error = OpenSSLError.take()
            // This is how OpenSSL 3 reports an end without close_notify.
            if error.isReason(SSL_R_UNEXPECTED_EOF_WHILE_READING) { return .ended(.truncated) }
            return .ended(.failed(reason: words(for: error)))
        }
    }

    /// Whether the session failed, after which RFC 8446 6.2 allows no further byte.
    var isBroken: Bool {
        if case .failed? = end { true } else { false }
    }

    var peer: String { context.role == .client ? "server" : "client" }

    private func words(for error: OpenSSLError) -> String {
        // A verdict other than this one ends every handshake here, and says more than the queue.
        let verdict = unsafe SSL_get_verify_result(raw)
        guard verdict == Int(X509_V_OK) else { return unsafe String(cString: X509_verify_cert_error_string(verdict)) }
        // Said of anything that is not a TLS record.
        if error.isReason(SSL_R_WRONG_VERSION_NUMBER) { return "\(error) (the \(peer) does not seem to speak TLS)" }
        return error.description
    }

    private func expect(_ serverName: String) throws(TLSFailure) {
        // A DNS name's last dot says that it is absolute; it is no part of it (RFC 6066 3), nor do certificates have it.
        let name = serverName.hasSuffix(".") ? String(serverName.dropLast()) : serverName
        // An empty name would mean to OpenSSL that any will do.
        guard !name.isEmpty, !name.utf8.contains(0) else { throw .invalidServerName(serverName) }
        OpenSSLError.clear()
        // RFC 6066 3: an address must not be sent as a name, and RFC 6125 1.7.2: it is compared with addresses only.
        guard SocketAddress(host: name, port: 0) == nil else {
            guard unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), name) == 1 else {
                throw .invalidServerName(serverName)
            }
            return
        }
        // RFC 9525 6.3: "*" stands for a whole label or for nothing, and 2: a name in the subject counts for nothing.
        unsafe SSL_set_hostflags(
            raw, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        guard unsafe SSL_set1_host(raw, name) == 1, unsafe copenssl_set_server_name(raw, name) == 1 else {
            throw .invalidServerName(serverName)
        }
    }
}

@available(*, unavailable)
extension TLSSession: Sendable {}
