internal import COpenSSL
internal import Glibc

/// The handshake of a session, done by OpenSSL; its result outlives it.
@safe
final class TLSHandshake {
    let raw: OpaquePointer
    /// Retained because OpenSSL reads its table of certificates.
    let context: TLSContext
    /// Retained because OpenSSL writes into it.
    let output: TLSOutput
    /// The secrets to note for records that are not OpenSSL's.
    let secrets: UnsafeMutablePointer<copenssl_secrets>?

    /// Starts a handshake that reads from a descriptor and writes into an output.
    ///
    /// - Parameter serverName: the server that a client expects.
    init(
        _ context: TLSContext, descriptor: Int32, output: TLSOutput, serverName: String?
    ) throws(TLSFailure) {
        OpenSSLError.clear()
        guard let session = unsafe SSL_new(context.raw) else {
            throw .library(operation: "SSL_new", reason: OpenSSLError.take().description)
        }
        unsafe raw = session
        unsafe secrets = context.records == .compact ? .allocate(capacity: 1) : nil
        unsafe secrets?.initialize(to: copenssl_secrets())
        self.context = context
        self.output = output
        if let reason = OpenSSLError.words(from: { unsafe SSL_set_rfd(raw, descriptor) }) {
            throw .library(operation: "SSL_set_rfd", reason: reason)
        }
        // The output owns the other reference.
        unsafe BIO_up_ref(output.bio)
        unsafe SSL_set0_wbio(raw, output.bio)
        if let secrets = unsafe secrets { _ = unsafe copenssl_keep_secrets(raw, secrets) }
        if let serverName {
            try expect(serverName)
            unsafe SSL_set_connect_state(raw)
        } else {
            unsafe SSL_set_accept_state(raw)
        }
    }

    deinit {
        unsafe SSL_free(raw)
        guard let secrets = unsafe secrets else { return }
        unsafe OPENSSL_cleanse(secrets, MemoryLayout<copenssl_secrets>.size)
        unsafe secrets.deallocate()
    }

    private var peer: String { context.role == .client ? "server" : "client" }

    private func expect(_ serverName: String) throws(TLSFailure) {
        // A DNS name's final dot marks it as absolute; neither SNI (RFC 6066 3) nor certificates include it.
        let name = serverName.hasSuffix(".") ? String(serverName.dropLast()) : serverName
        // OpenSSL would accept any certificate for an empty name.
        guard !name.isEmpty, !name.utf8.contains(0) else { throw .invalidServerName(serverName) }
        // An address must not be sent as a name (RFC 6066 3) and is compared only with addresses (RFC 6125 1.7.2).
        guard SocketAddress(host: name, port: 0) == nil else {
            guard unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), name) == 1 else {
                throw .invalidServerName(serverName)
            }
            return
        }
        // RFC 9525: "*" replaces only a whole label (6.3), and a name in the subject is ignored (2).
        unsafe SSL_set_hostflags(
            raw, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        guard unsafe SSL_set1_host(raw, name) == 1, unsafe copenssl_set_server_name(raw, name) == 1 else {
            throw .invalidServerName(serverName)
        }
    }

    // MARK: Progress

    /// Proceeds as far as possible without waiting; it never waits for room to write.
    func step() -> TLSSession.HandshakeResult {
        OpenSSLError.clear()
        errno = 0
        let result = unsafe SSL_do_handshake(raw)
        guard result <= 0 else { return .done }
        let code = errno
        switch unsafe SSL_get_error(raw, result) {
        case SSL_ERROR_WANT_READ: return .needs(.readable)
        case SSL_ERROR_SYSCALL:
            let code = OpenSSLError.take().errno ?? code
            return .failed(reason: code == 0 ? closed : OpenSSLError.words(errno: code))
        default:
            let error = OpenSSLError.take()
            // This is how OpenSSL 3 reports an end without close_notify.
            let isEnd = error.isReason(SSL_R_UNEXPECTED_EOF_WHILE_READING)
            return .failed(reason: isEnd ? closed : words(for: error))
        }
    }

    private var closed: String { "the \(peer) closed the connection during the TLS handshake" }

    private func words(for error: OpenSSLError) -> String {
        // Any other verdict ends the handshake, and says more than the error queue.
        let verdict = unsafe SSL_get_verify_result(raw)
        guard verdict == Int(X509_V_OK) else { return unsafe String(cString: X509_verify_cert_error_string(verdict)) }
        // OpenSSL reports this for any input that is not a TLS record.
        if error.isReason(SSL_R_WRONG_VERSION_NUMBER) { return "\(error) (the \(peer) does not seem to speak TLS)" }
        return error.description
    }
}
