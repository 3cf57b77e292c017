import COpenSSL

@testable import TLSRecord

/// HMAC (RFC 2104) by OpenSSL's one-shot function.
func hmac(_ hash: RecordSuite.Hash, _ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: hash.byteCount)
    let function = unsafe hash == .sha256 ? EVP_sha256() : EVP_sha384()
    unsafe HMAC(function, key, Int32(key.count), message, message.count, &code, nil)
    return code
}

/// TLS 1.2's PRF: P_hash of RFC 5246 5.
func naivePRF(
    _ hash: RecordSuite.Hash, _ secret: [UInt8], _ label: String, _ seed: [UInt8], _ byteCount: Int
) -> [UInt8] {
    let seed = Array(label.utf8) + seed
    var a = seed
    var bytes: [UInt8] = []
    while bytes.count < byteCount {
        a = hmac(hash, secret, a)
        bytes += hmac(hash, secret, a + seed)
    }
    return Array(bytes.prefix(byteCount))
}

/// HKDF-Expand-Label (RFC 8446 7.1) with an empty context, using RFC 5869 2.3 for any length.
func naiveExpandLabel(_ hash: RecordSuite.Hash, _ secret: [UInt8], _ label: String, _ byteCount: Int) -> [UInt8] {
    let label = Array("tls13 \(label)".utf8)
    let info = [UInt8(byteCount >> 8), UInt8(byteCount & 0xFF), UInt8(label.count)] + label + [0]
    var (block, bytes): ([UInt8], [UInt8]) = ([], [])
    for number in 1... where bytes.count < byteCount {
        block = hmac(hash, secret, block + info + [UInt8(number)])
        bytes += block
        if bytes.count >= byteCount { break }
    }
    return Array(bytes.prefix(byteCount))
}

/// Makes records by the definitions, each with its own OpenSSL context.
struct NaiveRecords {
    let suite: RecordSuite
    let key: [UInt8]
    let iv: [UInt8]
    var sequence: UInt64 = 0

    init(_ suite: RecordSuite, key: [UInt8], iv: [UInt8], sequence: UInt64 = 0) {
        self.suite = suite
        self.key = key
        self.iv = iv
        self.sequence = sequence
    }

    /// The keys of the end that writes with the secret; with TLS 1.2 that is the client.
    init(_ secret: Secret) {
        let suite = secret.suite
        let keyBytes = suite.aead == .aes128GCM ? 16 : 32
        if suite.version == .tls13 {
            let bytes = Array(secret.bytes.prefix(suite.hash == .sha256 ? 32 : 48))
            self.init(
                suite, key: naiveExpandLabel(suite.hash, bytes, "key", keyBytes),
                iv: naiveExpandLabel(suite.hash, bytes, "iv", 12), sequence: secret.sequence)
        } else {
            let block = naivePRF(suite.hash, secret.bytes, "key expansion", Secret.randoms, 88)
            let ivBytes = suite.aead == .chaCha20Poly1305 ? 12 : 4
            self.init(
                suite, key: Array(block[..<keyBytes]), iv: Array(block[(2 * keyBytes)...].prefix(ivBytes)),
                sequence: secret.sequence)
        }
    }

    /// The next record.
    ///
    /// - Parameter explicitNonce: for GCM with TLS 1.2; by default the number of the record.
    mutating func record(_ type: UInt8, _ content: [UInt8], explicitNonce: [UInt8]? = nil) -> [UInt8] {
        let number = (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * UInt64($0))) }
        sequence += 1
        let mask = [0, 0, 0, 0] + number
        func header(_ type: UInt8, _ byteCount: Int) -> [UInt8] {
            [type, 3, 3, UInt8(byteCount >> 8), UInt8(byteCount & 0xFF)]
        }
        switch (suite.version, suite.aead) {
        case (.tls13, _):  // RFC 8446 5.2 and 5.3
            let header = header(23, content.count + 17)
            let nonce = zip(iv, mask).map { $0 ^ $1 }
            return header + encrypt(content + [type], nonce, header)
        case (.tls12, .chaCha20Poly1305):  // RFC 7905 2
            let nonce = zip(iv, mask).map { $0 ^ $1 }
            let sealed = encrypt(content, nonce, number + header(type, content.count))
            return header(type, sealed.count) + sealed
        case (.tls12, _):  // RFC 5288 3
            let explicit = explicitNonce ?? number
            let sealed = encrypt(content, iv + explicit, number + header(type, content.count))
            return header(type, 8 + sealed.count) + explicit + sealed
        }
    }

    private func encrypt(_ plaintext: [UInt8], _ nonce: [UInt8], _ additional: [UInt8]) -> [UInt8] {
        let cipher =
            switch suite.aead {
            case .aes128GCM: unsafe EVP_aes_128_gcm()
            case .aes256GCM: unsafe EVP_aes_256_gcm()
            case .chaCha20Poly1305: unsafe EVP_chacha20_poly1305()
            }
        var (sealed, tag) = ([UInt8](repeating: 0, count: plaintext.count), [UInt8](repeating: 0, count: 16))
        var done: Int32 = 0
        let context = unsafe EVP_CIPHER_CTX_new()
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        unsafe EVP_EncryptInit_ex(context, cipher, nil, key, nonce)
        unsafe EVP_EncryptUpdate(context, nil, &done, additional, Int32(additional.count))
        unsafe EVP_EncryptUpdate(context, &sealed, &done, plaintext, Int32(plaintext.count))
        unsafe EVP_EncryptFinal_ex(context, &tag, &done)
        unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag)
        return sealed + tag
    }
}
