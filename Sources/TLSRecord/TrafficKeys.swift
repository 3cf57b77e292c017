internal import COpenSSL

/// What one direction of a session is encrypted with, and how many records were.
///
/// It is wiped when it goes. Confined to one thread.
public final class TrafficKeys {
    /// What the keys are for.
    public let suite: RecordSuite
    // What is unchecked is touched for every record, by calls into OpenSSL only (docs/decisions/0009).

    /// How many records there were since the last change of keys: the number of the next one.
    @safe @exclusivity(unchecked) public private(set) var sequence: UInt64
    /// TLS 1.3's; all keys come from it.
    private var secret = InlineArray<48, UInt8>(repeating: 0)
    @safe @exclusivity(unchecked) private var key = InlineArray<32, UInt8>(repeating: 0)
    @safe @exclusivity(unchecked) private var iv = InlineArray<12, UInt8>(repeating: 0)

    /// Takes a traffic secret of TLS 1.3.
    ///
    /// - Parameter sequence: how many records were protected with it already.
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

    /// Takes keys of TLS 1.2.
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

    /// Both directions of a TLS 1.2 session from its master secret: RFC 5246 6.3.
    ///
    /// - Parameter randoms: the server's random followed by the client's.
    /// - Parameter sequences: how many records each side has protected already.
    /// - Returns: nil if OpenSSL fails.
    public static func pair(
        _ suite: RecordSuite, masterSecret: [UInt8], randoms: [UInt8], sequences: (client: UInt64, server: UInt64)
    ) -> (client: TrafficKeys, server: TrafficKeys)? {
        precondition(suite.version == .tls12)
        let keyBytes = suite.aead.keyBytes
        // RFC 5288 3: of GCM's nonce only the first four bytes are a secret; RFC 7905 2: of ChaCha20's all.
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

    /// Goes on to the next keys of TLS 1.3: RFC 8446 7.2.
    ///
    /// - Returns: false if OpenSSL fails.
    func update() -> Bool {
        precondition(suite.version == .tls13)
        guard let next = expand("traffic upd", suite.hash.byteCount) else { return false }
        secret = next
        sequence = 0
        return derive()
    }

    /// RFC 8446 7.3.
    private func derive() -> Bool {
        guard let key = expand("key", suite.aead.keyBytes), let iv = expand("iv", 12) else { return false }
        for index in self.key.indices { self.key[index] = key[index] }
        for index in self.iv.indices { self.iv[index] = iv[index] }
        return true
    }

    /// HKDF-Expand-Label without context (RFC 8446 7.1) of at most a hash: then HKDF-Expand is one HMAC (RFC 5869 2.3).
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

    /// Encrypts or decrypts a record's content in place, and goes on to the next number.
    ///
    /// - Parameter record: the whole record: header, explicit nonce if there is one, content, tag.
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

    /// RFC 8446 5.3 and RFC 7905 2: the IV and the record's number; RFC 5288 3: what the record itself carries.
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

    /// What is authenticated besides the content: RFC 8446 5.2 the header, RFC 5246 6.2.3.3 one of the content alone.
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

    /// A byte of the number as it is in a record: the first is the most significant.
    static func byte(_ index: Int, of sequence: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: sequence >> UInt64(56 - 8 * index))
    }
}

@available(*, unavailable)
extension TrafficKeys: Sendable {}
