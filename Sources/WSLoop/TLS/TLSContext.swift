internal import COpenSSL

/// The settings that sessions share: the role, trusted authorities, a certificate and the protocol's rules.
///
/// It never changes after it was made, so all loops may share it. SSL_CTX_new(3) forbids only to modify an SSL_CTX
/// after sessions were made from it; what the sessions themselves change (its reference count, the certificate store)
/// is atomic or protected by OpenSSL's locks. New certificates need a new context; a session keeps the one it was made
/// from.
@safe
public final class TLSContext: @unchecked Sendable {
    enum Role { case client, server }

    let raw: OpaquePointer
    let role: Role
    /// Which code seals and opens the records of its sessions.
    public let records: TLSRecords
    /// The contexts of the additional certificates, and the table in which a session finds the one for the requested
    /// name.
    private let others: [TLSContext]
    private let choices: UnsafeMutablePointer<copenssl_identities>?
    /// The ticket keys of a server; the contexts of all its names share them.
    private let tickets: TicketKeys?

    /// Makes a context for connections to servers, whose certificates it verifies.
    ///
    /// It blocks while it reads the files. Without an authorities file it uses the system's.
    public init(client options: TLSClientOptions) throws(TLSFailure) {
        unsafe raw = try TLSContext.make(TLS_client_method(), options.records)
        role = .client
        records = options.records
        others = []
        unsafe choices = nil
        tickets = nil
        if let file = options.caFile {
            try trust(file)
        } else if let reason = OpenSSLError.words(from: { unsafe SSL_CTX_set_default_verify_paths(raw) }) {
            throw .library(operation: "SSL_CTX_set_default_verify_paths", reason: reason)
        }
        unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        if let certificateFile = options.certificateFile {
            try identify(certificateFile: certificateFile, keyFile: options.keyFile ?? certificateFile)
        } else if let keyFile = options.keyFile {
            throw .keyWithoutCertificate(keyFile: keyFile)
        }
    }

    /// Makes a context for clients' connections; it blocks while it reads the files.
    public convenience init(server options: TLSServerOptions) throws(TLSFailure) {
        try self.init(server: options, clock: TicketKeys.systemClock)
    }

    /// - Parameter clock: decides when ticket keys are replaced.
    convenience init(server options: TLSServerOptions, clock: @escaping TicketKeys.Clock) throws(TLSFailure) {
        let tickets = TicketKeys(verifiesClients: options.clientCAFile != nil, clock: clock)
        var others: [TLSContext] = []
        for identity in options.identities.dropFirst() {
            // A client that asks for this name is verified by this context, whatever the first one trusts.
            others.append(try TLSContext(identity, others: [], options, tickets))
        }
        try self.init(options.identities[0], others: others, options, tickets)
    }

    private init(
        _ identity: TLSIdentity, others: [TLSContext], _ options: TLSServerOptions, _ tickets: TicketKeys
    ) throws(TLSFailure) {
        unsafe raw = try TLSContext.make(TLS_server_method(), options.records)
        role = .server
        records = options.records
        self.others = others
        self.tickets = tickets
        unsafe choices = others.isEmpty ? nil : TLSContext.table([raw] + others.map { unsafe $0.raw })
        try identify(certificateFile: identity.certificateFile, keyFile: identity.keyFile)
        if let choices = unsafe choices { unsafe copenssl_choose_identity(raw, choices) }
        unsafe copenssl_speak_http11(raw)
        // Prefer the cheapest cipher (RFC 9325 has no preference among AEAD ciphers).
        unsafe SSL_CTX_set_options(raw, COPENSSL_OP_CIPHER_SERVER_PREFERENCE)
        _ = unsafe SSL_CTX_set_ciphersuites(
            raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
        // Resumption uses tickets, which clients keep; a cache here would hold up to 20,480 sessions.
        unsafe copenssl_cache_no_sessions(raw)
        unsafe tickets.serve(raw)
        guard let file = options.clientCAFile else { return }
        try trust(file)
        unsafe SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(file))
        unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        // Tickets of verified clients are tied to this name; without it a resumed handshake fails.
        _ = unsafe SSL_CTX_set_session_id_context(raw, "pushd", 5)
    }

    /// Makes a context that verifies nothing and uses a throwaway certificate: for `TLSRecordCheck`.
    init(checking role: Role, _ records: TLSRecords) throws(TLSFailure) {
        unsafe raw = try TLSContext.make(role == .client ? TLS_client_method() : TLS_server_method(), records)
        self.role = role
        self.records = records
        others = []
        unsafe choices = nil
        tickets = nil
        guard role == .server else { return }
        if let reason = OpenSSLError.words(from: { unsafe copenssl_use_throwaway_identity(raw) }) {
            throw .library(operation: "copenssl_use_throwaway_identity", reason: reason)
        }
    }

    deinit {
        unsafe SSL_CTX_free(raw)
        guard let choices = unsafe choices else { return }
        unsafe UnsafeMutablePointer(mutating: choices.pointee.contexts)?.deallocate()
        unsafe choices.deallocate()
    }

    private static func table(_ contexts: [OpaquePointer]) -> UnsafeMutablePointer<copenssl_identities> {
        let list = unsafe UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: contexts.count)
        for index in unsafe contexts.indices { unsafe (list + index).initialize(to: contexts[index]) }
        let table = UnsafeMutablePointer<copenssl_identities>.allocate(capacity: 1)
        unsafe table.initialize(to: copenssl_identities(contexts: list, count: contexts.count))
        return unsafe table
    }

    private static func make(
        _ method: OpaquePointer?, _ records: TLSRecords
    ) throws(TLSFailure) -> OpaquePointer {
        OpenSSLError.clear()
        guard let raw = unsafe SSL_CTX_new(method) else {
            throw .library(operation: "SSL_CTX_new", reason: OpenSSLError.take().description)
        }
        // RFC 8996: TLS 1.0 and 1.1 must not be used.
        _ = unsafe copenssl_set_min_version(raw, TLS1_2_VERSION)
        // TLS 1.2 only with forward secrecy and authenticated encryption (RFC 9325 4.2); TLS 1.3 has nothing else.
        _ = unsafe SSL_CTX_set_cipher_list(raw, "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20")
        unsafe SSL_CTX_set_options(raw, COPENSSL_OP_NO_RENEGOTIATION)
        // A server sends a ticket after the handshake (`TLSHandshake.makeRecords`).
        _ = unsafe SSL_CTX_set_num_tickets(raw, 0)
        switch records {
        case .openssl: unsafe copenssl_release_buffers(raw)
        case .compact: unsafe copenssl_note_secrets(raw)
        }
        return unsafe raw
    }

    private func trust(_ file: String) throws(TLSFailure) {
        if let reason = OpenSSLError.words(from: { unsafe SSL_CTX_load_verify_file(raw, file) }) {
            throw .unreadableAuthorities(
                file: file, reason: PEMFile.problem(of: file, holding: .certificate) ?? reason)
        }
    }

    private func identify(certificateFile: String, keyFile: String) throws(TLSFailure) {
        // Read the key first: a certificate that does not match then removes it, and the check reports a missing key.
        // In the other order, reading the key would fail with the same result as for a file without a key.
        try readKey(keyFile)
        if let reason = OpenSSLError.words(from: { unsafe SSL_CTX_use_certificate_chain_file(raw, certificateFile) }) {
            throw .unreadableCertificate(
                file: certificateFile, reason: PEMFile.problem(of: certificateFile, holding: .certificate) ?? reason)
        }
        if OpenSSLError.words(from: { unsafe SSL_CTX_check_private_key(raw) }) != nil {
            throw .keyDoesNotMatch(keyFile: keyFile, certificateFile: certificateFile)
        }
    }

    private func readKey(_ file: String) throws(TLSFailure) {
        var wantsPassphrase = false
        let reason = unsafe withUnsafeMutablePointer(to: &wantsPassphrase) { pointer in
            // Without a callback OpenSSL would ask for a passphrase on the terminal and wait.
            unsafe SSL_CTX_set_default_passwd_cb_userdata(raw, pointer)
            unsafe SSL_CTX_set_default_passwd_cb(raw) { _, _, _, pointer in
                unsafe pointer?.assumingMemoryBound(to: Bool.self).pointee = true
                return -1
            }
            defer { unsafe SSL_CTX_set_default_passwd_cb_userdata(raw, nil) }
            return OpenSSLError.words { unsafe SSL_CTX_use_PrivateKey_file(raw, file, SSL_FILETYPE_PEM) }
        }
        guard let reason else { return }
        let problem = wantsPassphrase ? "it wants a passphrase" : PEMFile.problem(of: file, holding: .privateKey)
        throw .unreadableKey(file: file, reason: problem ?? reason)
    }
}
