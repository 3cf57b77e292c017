internal import COpenSSL
internal import Glibc
internal import TLSRecord

/// The handshake of a session, which OpenSSL does; what it agrees on outlives it.
@safe
final class TLSHandshake {
    /// What an established session goes on with.
    struct Agreement {
        let reading: TrafficKeys
        let writing: TrafficKeys
        let maxContentBytes: Int?
    }

    let raw: OpaquePointer
    /// Kept: OpenSSL looks into its table of certificates.
    private let context: TLSContext
    /// Kept: OpenSSL writes into it.
    private let output: TLSOutput
    private let secrets: UnsafeMutablePointer<copenssl_secrets>

    /// Begins one that reads from a descriptor and writes into an output.
    ///
    /// - Parameter serverName: whom a client expects.
    init(
        _ context: TLSContext, descriptor: Int32, output: TLSOutput, serverName: String?
    ) throws(TLSFailure) {
        OpenSSLError.clear()
        guard let session = unsafe SSL_new(context.raw) else {
            throw .library(operation: "SSL_new", reason: OpenSSLError.take().description)
        }
        unsafe raw = session
        unsafe secrets = .allocate(capacity: 1)
        unsafe secrets.initialize(to: copenssl_secrets())
        self.context = context
        self.output = output
        if let reason = OpenSSLError.words(from: { unsafe SSL_set_rfd(raw, descriptor) }) {
            throw .library(operation: "SSL_set_rfd", reason: reason)
        }
        // The other reference is the output's own.
        unsafe BIO_up_ref(output.bio)
        unsafe SSL_set0_wbio(raw, output.bio)
        _ = unsafe copenssl_keep_secrets(raw, secrets)
        if let serverName {
            try expect(serverName)
            unsafe SSL_set_connect_state(raw)
        } else {
            unsafe SSL_set_accept_state(raw)
        }
    }

    deinit {
        unsafe SSL_free(raw)
        unsafe OPENSSL_cleanse(secrets, MemoryLayout<copenssl_secrets>.size)
        unsafe secrets.deallocate()
    }

    private var peer: String { context.role == .client ? "server" : "client" }

    private func expect(_ serverName: String) throws(TLSFailure) {
        // A DNS name's last dot says that it is absolute; it is no part of it (RFC 6066 3), nor do certificates have it.
        let name = serverName.hasSuffix(".") ? String(serverName.dropLast()) : serverName
        // An empty name would mean to OpenSSL that any will do.
        guard !name.isEmpty, !name.utf8.contains(0) else { throw .invalidServerName(serverName) }
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

    // MARK: Going on

    /// Goes on as far as it gets without waiting; it never waits for room to write.
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
        // A verdict other than this one ends every handshake here, and says more than the queue.
        let verdict = unsafe SSL_get_verify_result(raw)
        guard verdict == Int(X509_V_OK) else { return unsafe String(cString: X509_verify_cert_error_string(verdict)) }
        // Said of anything that is not a TLS record.
        if error.isReason(SSL_R_WRONG_VERSION_NUMBER) { return "\(error) (the \(peer) does not seem to speak TLS)" }
        return error.description
    }

    // MARK: What is agreed on

    /// What a handshake that is done agreed on; a server's ticket is then in the output.
    ///
    /// - Returns: nil if OpenSSL fails.
    func agreement() -> Agreement? {
        guard let suite else { return nil }
        let keys = suite.version == .tls13 ? trafficKeys(suite) : keyBlock(suite)
        guard let keys else { return nil }
        let isClient = context.role == .client
        // RFC 6066 4: a client may ask for records of 512 bytes to 4 KiB.
        let exponent = unsafe Int(SSL_SESSION_get_max_fragment_length(SSL_get_session(raw)))
        return Agreement(
            reading: isClient ? keys.server : keys.client, writing: isClient ? keys.client : keys.server,
            maxContentBytes: exponent == 0 ? nil : 256 << exponent)
    }

    private var suite: RecordSuite? {
        guard let cipher = unsafe SSL_get_current_cipher(raw) else { return nil }
        let aead: RecordSuite.AEAD? =
            switch unsafe SSL_CIPHER_get_cipher_nid(cipher) {
            case NID_aes_128_gcm: .aes128GCM
            case NID_aes_256_gcm: .aes256GCM
            case NID_chacha20_poly1305: .chaCha20Poly1305
            default: nil
            }
        let isSHA384 = unsafe EVP_MD_get_type(SSL_CIPHER_get_handshake_digest(cipher)) == NID_sha384
        return aead.map {
            RecordSuite(
                version: unsafe SSL_version(raw) == TLS1_3_VERSION ? .tls13 : .tls12, aead: $0,
                hash: isSHA384 ? .sha384 : .sha256)
        }
    }

    private func trafficKeys(_ suite: RecordSuite) -> (client: TrafficKeys, server: TrafficKeys)? {
        // A server's ticket is the first that it protects with its traffic secret.
        let sent = context.role == .server ? sendTicket() : 0
        guard let client = unsafe keys(suite, &secrets.pointee.client, sequence: 0),
            let server = unsafe keys(suite, &secrets.pointee.server, sequence: sent)
        else { return nil }
        return (client, server)
    }

    private func keys(_ suite: RecordSuite, _ secret: inout copenssl_secret, sequence: UInt64) -> TrafficKeys? {
        let count = secret.count
        return unsafe withUnsafeBytes(of: &secret.bytes) { bytes in
            unsafe TrafficKeys(suite, secret: bytes.bytes.extracting(first: count), sequence: sequence)
        }
    }

    /// Sends a client what it can resume the session with (RFC 8446 4.6.1).
    ///
    /// - Returns: how many records that took.
    private func sendTicket() -> UInt64 {
        var records: UInt64 = 0
        OpenSSLError.clear()
        guard unsafe SSL_new_session_ticket(raw) == 1 else { return 0 }
        unsafe withUnsafeMutablePointer(to: &records) { records in
            unsafe copenssl_count_records(raw, records)
            _ = unsafe SSL_do_handshake(raw)
            unsafe copenssl_count_records(raw, nil)
        }
        return records
    }

    private func keyBlock(_ suite: RecordSuite) -> (client: TrafficKeys, server: TrafficKeys)? {
        var master = [UInt8](repeating: 0, count: Int(SSL_MAX_MASTER_KEY_LENGTH))
        var randoms = [UInt8](repeating: 0, count: 2 * Int(SSL3_RANDOM_SIZE))
        let half = Int(SSL3_RANDOM_SIZE)
        defer { unsafe OPENSSL_cleanse(&master, master.count) }
        let count = unsafe SSL_SESSION_get_master_key(SSL_get_session(raw), &master, master.count)
        unsafe randoms.withUnsafeMutableBufferPointer { randoms in
            guard let base = randoms.baseAddress else { return }
            _ = unsafe SSL_get_server_random(raw, base, half)
            _ = unsafe SSL_get_client_random(raw, base + half, half)
        }
        guard count == master.count else { return nil }
        // Each side has protected one record: its Finished (RFC 5246 7.4.9).
        return TrafficKeys.pair(suite, masterSecret: master, randoms: randoms, sequence: 1)
    }
}
