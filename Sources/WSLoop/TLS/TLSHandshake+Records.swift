internal import COpenSSL
internal import TLSRecord

// What remains after a finished handshake.
extension TLSHandshake {
    /// The keys and limits for a session whose records are not OpenSSL's.
    struct Agreement {
        let reading: TrafficKeys
        let writing: TrafficKeys
        let maxContentBytes: Int?
    }

    /// Makes the record layer of a finished handshake; a server's ticket is then in the output.
    ///
    /// - Returns: nil if OpenSSL fails.
    func makeRecords() -> (any RecordLayer)? {
        // A server's ticket is the first message protected with its traffic secret.
        let sentRecords = context.role == .server ? sendTicket() : 0
        switch context.records {
        case .openssl: return OpenSSLRecords(self, output: output)
        case .compact:
            return agreement(sentRecords).map {
                CompactRecords($0, role: context.role == .client ? .client : .server, output: output)
            }
        }
    }

    private func agreement(_ sentRecords: UInt64) -> Agreement? {
        guard let suite else { return nil }
        let keys = suite.version == .tls13 ? trafficKeys(suite, sentRecords) : keyBlock(suite)
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

    private func trafficKeys(
        _ suite: RecordSuite, _ sentRecords: UInt64
    ) -> (client: TrafficKeys, server: TrafficKeys)? {
        guard let secrets = unsafe secrets,
            let client = unsafe keys(suite, &secrets.pointee.client, sequence: 0),
            let server = unsafe keys(suite, &secrets.pointee.server, sequence: sentRecords)
        else { return nil }
        return (client, server)
    }

    private func keys(_ suite: RecordSuite, _ secret: inout copenssl_secret, sequence: UInt64) -> TrafficKeys? {
        let count = secret.count
        return unsafe withUnsafeBytes(of: &secret.bytes) { bytes in
            unsafe TrafficKeys(suite, secret: bytes.bytes.extracting(first: count), sequence: sequence)
        }
    }

    /// Sends the client a ticket for resumption (RFC 8446 4.6.1); with TLS 1.2 the handshake has already done that.
    ///
    /// - Returns: the number of records it took.
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
        guard count == master.count, let secrets = unsafe secrets else { return nil }
        // Each side has protected its Finished message (RFC 5246 7.4.9), which a peer may split into several records.
        let theirs = unsafe secrets.pointee.protected_records
        return TrafficKeys.pair(
            suite, masterSecret: master, randoms: randoms,
            sequences: context.role == .server ? (client: theirs, server: 1) : (client: 1, server: theirs))
    }
}
