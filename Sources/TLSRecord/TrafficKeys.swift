internal import COpenSSL

/// The keys of one direction of a session, and the number of records they have protected.
///
/// The keys are wiped when the object is freed. Confined to one thread.
public final class TrafficKeys {
    /// The suite the keys belong to.
    public let suite: RecordSuite
    // The unchecked properties are used for every record, and only by calls into OpenSSL (docs/decisions/0009).

    /// The number of records since the last key change, which is the number of the next record.
    @safe @exclusivity(unchecked) public private(set) var sequence: UInt64
    /// The traffic secret of TLS 1.3; all other keys are derived from it.
    private var secret = InlineArray<48, UInt8>(repeating: 0)
    @safe @exclusivity(unchecked) private var key = InlineArray<32, UInt8>(repeating: 0)
    @safe @exclusivity(unchecked) private var iv = InlineArray<12, UInt8>(repeating: 0)

    /// Makes keys from a traffic secret of TLS 1.3.
    ///
    /// - Parameter sequence: the number of records it has already protected.
    /// - Returns: nil if OpenSSL fails, or the secret is not as long as the suite's hash.
    public init?(_ suite: RecordSuite, secret: RawSpan, sequence: UInt64 = 0) {
        precondition(suite.version == .tls13)
        guard secret.byteCount == suite.hash.byteCount else { return nil }
        self.suite = suite
        self.sequence = sequence
        for index in 0..<suite.hash.byteCount {
            self.secret[index] = unsafe secret.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
        guard derive() else { return nil }
    }

    /// Makes keys of TLS 1.2.
    private init(_ suite: RecordSuite, key: ArraySlice<UInt8>, iv: ArraySlice<UInt8>, sequence: UInt64) {
        self.suite = suite
        self.sequence = sequence
        for (index, byte) in key.enumerated() { self.key[index] = byte }
        for (index, byte) in iv.enumerated() { self.iv[index] = byte }
    }

    deinit {
        unsafe withUnsafeMutablePointer(to: &secret) { unsafe OPENSSL_cleanse($0, 48) }
        unsafe withUnsafeMutablePointer(to: &key) { unsafe OPENSSL_cleanse($0, 32) }
        unsafe withUnsafeMutablePointer(to: &iv) { unsafe OPENSSL_cleanse($0, 12) }
    }

    /// Derives both directions of a TLS 1.2 session from its master secret (RFC 5246 6.3).
    ///
    /// - Parameter randoms: the server's random followed by the client's.
    /// - Parameter sequences: the number of records each side has already protected.
    /// - Returns: nil if OpenSSL fails.
    public static func pair(
        _ suite: RecordSuite, masterSecret: [UInt8], randoms: [UInt8], sequences: (client: UInt64, server: UInt64)
    ) -> (client: TrafficKeys, server: TrafficKeys)? {
        precondition(suite.version == .tls12)
        let keyBytes = suite.aead.keyBytes
        // RFC 5288 3: only the first four bytes of GCM's nonce are secret; RFC 7905 2: all of ChaCha20's are.
        let ivBytes = 12 - suite.explicitNonceBytes
        var block = [UInt8](repeating: 0, count: 2 * (keyBytes + ivBytes))
        defer { unsafe OPENSSL_cleanse(&block, block.count) }
        guard
            unsafe copenssl_key_block(
                suite.hash == .sha256 ? "SHA256" : "SHA384", masterSecret, masterSecret.count, randoms, randoms.count,
                &block, block.count) == 1
        else { return nil }
        let ivs = block[(2 * keyBytes)...]
        return (
            client: TrafficKeys(suite, key: block[..<keyBytes], iv: ivs.prefix(ivBytes), sequence: sequences.client),
            server: TrafficKeys(
                suite, key: block[keyBytes..<2 * keyBytes], iv: ivs.suffix(ivBytes), sequence: sequences.server)
        )
    }

    /// Switches to the next keys of TLS 1.3 (RFC 8446 7.2).
    ///
    /// - Returns: false if OpenSSL fails.
    func update() -> Bool {
        precondition(suite.version == .tls13)
        guard let next = expand("traffic upd", suite.hash.byteCount) else { return false }
        secret = next
        sequence = 0
        return derive()
    }

    /// Derives the key and the IV (RFC 8446 7.3).
    private func derive() -> Bool {
        guard let key = expand("key", suite.aead.keyBytes), let iv = expand("iv", 12) else { return false }
        for index in self.key.indices { self.key[index] = key[index] }
        for index in self.iv.indices { self.iv[index] = iv[index] }
        return true
    }

    /// HKDF-Expand-Label without context (RFC 8446 7.1), at most as long as a hash: HKDF-Expand is then one HMAC (RFC
    /// 5869 2.3).
    private func expand(_ label: String, _ byteCount: Int) -> InlineArray<48, UInt8>? {
        let name = Array("tls13 \(label)".utf8)
        let info = [0, UInt8(byteCount), UInt8(name.count)] + name + [0, 1]
        var block = InlineArray<48, UInt8>(repeating: 0)
        let isDone = unsafe withUnsafeMutableBytes(of: &block) { block in
            unsafe withUnsafeBytes(of: &secret) { secret in
                unsafe HMAC(
                    suite.hash == .sha256 ? EVP_sha256() : EVP_sha384(), secret.baseAddress,
                    Int32(suite.hash.byteCount), info, info.count, block.baseAddress, nil) != nil
            }
        }
        return isDone ? block : nil
    }

    /// Encrypts or decrypts a record's content in place and advances the record number.
    ///
    /// - Parameter record: the complete record: header, explicit nonce if there is one, content, tag.
    /// - Returns: false if a tag is wrong or OpenSSL fails.
    func protect(
        _ record: UnsafeMutableRawBufferPointer, _ direction: RecordCiphers.Direction, with ciphers: RecordCiphers
    ) -> Bool {
        let count = record.count - suite.prefixBytes - RecordSuite.tagBytes
        guard let context = unsafe ciphers.context(suite.aead, direction),
            let content = unsafe record.baseAddress.map({
                unsafe ($0 + suite.prefixBytes).assumingMemoryBound(to: UInt8.self)
            })
        else { return false }
        let crypt = unsafe direction == .sealing ? copenssl_seal : copenssl_open
        var nonce = unsafe nonce(of: UnsafeRawBufferPointer(record))
        var (additional, additionalBytes) = unsafe additionalData(of: UnsafeRawBufferPointer(record), count)
        sequence += 1
        return unsafe withUnsafeBytes(of: &key) { key in
            unsafe withUnsafeBytes(of: &nonce) { nonce in
                unsafe withUnsafeBytes(of: &additional) { additional in
                    unsafe crypt(
                        context, key.baseAddress, nonce.baseAddress, additional.baseAddress, Int32(additionalBytes),
                        content, Int32(count)) == 1
                }
            }
        }
    }

    /// The nonce: the IV and the record's number (RFC 8446 5.3, RFC 7905 2), or partly sent in the record (RFC 5288 3).
    private func nonce(of record: UnsafeRawBufferPointer) -> InlineArray<12, UInt8> {
        var nonce = iv
        for index in 0..<8 {
            if suite.explicitNonceBytes > 0 {
                nonce[4 + index] = unsafe record[RecordSuite.headerBytes + index]
            } else {
                nonce[4 + index] ^= TrafficKeys.byte(index, of: sequence)
            }
        }
        return nonce
    }

    /// The additional authenticated data: the header (RFC 8446 5.2), or a header for the content alone (RFC 5246
    /// 6.2.3.3).
    private func additionalData(
        of record: UnsafeRawBufferPointer, _ contentBytes: Int
    ) -> (InlineArray<13, UInt8>, byteCount: Int) {
        var data = InlineArray<13, UInt8>(repeating: 0)
        if suite.version == .tls13 {
            for index in 0..<RecordSuite.headerBytes { data[index] = unsafe record[index] }
            return (data, RecordSuite.headerBytes)
        }
        for index in 0..<8 { data[index] = TrafficKeys.byte(index, of: sequence) }
        for index in 0..<3 { data[8 + index] = unsafe record[index] }
        data[11] = UInt8(contentBytes >> 8)
        data[12] = UInt8(truncatingIfNeeded: contentBytes)
        return (data, 13)
    }

    /// A byte of the record number in wire order: the first is the most significant.
    static func byte(_ index: Int, of sequence: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: sequence >> UInt64(56 - 8 * index))
    }
}

@available(*, unavailable)
extension TrafficKeys: Sendable {}
