internal import Bytes
internal import COpenSSL

/// A key of OpenSSL, public or private; it never changes, so all threads may use it at the same time.
@safe
final class AsymmetricKey: @unchecked Sendable {
    let type: TokenAlgorithm.KeyType
    private let raw: OpaquePointer

    /// Takes over a key.
    private init(_ raw: OpaquePointer?) throws(TokenKeyViolation) {
        guard let raw = unsafe raw else { throw .unreadable }
        unsafe self.raw = raw
        guard let type = unsafe AsymmetricKey.type(of: raw) else {
            unsafe EVP_PKEY_free(raw)
            throw .unsupportedType
        }
        self.type = type
        let bits = unsafe Int(EVP_PKEY_get_bits(raw))
        // A larger key makes each token cost milliseconds.
        guard type != .rsa || TokenKey.rsaBits.contains(bits) else { throw .rsaSize(bits: bits) }
    }

    deinit {
        unsafe EVP_PKEY_free(raw)
    }

    /// The public key in DER (SubjectPublicKeyInfo).
    var publicBytes: [UInt8] {
        var der: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_PUBKEY(raw, &der)
        // Without it the key would look like others: it is then like none.
        guard count > 0, let start = unsafe der else { return (0..<32).map { _ in .random(in: 0...255) } }
        defer { unsafe CRYPTO_free(start, nil, 0) }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    private static func type(of key: OpaquePointer) -> TokenAlgorithm.KeyType? {
        switch unsafe EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA: .rsa
        case EVP_PKEY_ED25519, EVP_PKEY_ED448: .edwards
        case EVP_PKEY_EC: unsafe curve(of: key)
        default: nil
        }
    }

    private static func curve(of key: OpaquePointer) -> TokenAlgorithm.KeyType? {
        var name = InlineArray<32, CChar>(repeating: 0)
        var bytes = name.mutableSpan
        let curve = unsafe bytes.withUnsafeMutableBufferPointer { name in
            guard let start = name.baseAddress, unsafe EVP_PKEY_get_group_name(key, start, name.count, nil) == 1 else {
                return ""
            }
            return unsafe String(cString: start)
        }
        return switch curve {
        case "prime256v1": .p256
        case "secp384r1": .p384
        case "secp521r1": .p521
        default: nil
        }
    }

    /// Whether a signature fits a text.
    func verifies(_ signature: [UInt8], of text: ArraySlice<UInt8>, with algorithm: TokenAlgorithm) -> Bool {
        guard algorithm.keyType == type else { return false }
        var signature = signature
        if let bytes = type.signatureBytes {
            guard signature.count == bytes, let der = AsymmetricKey.der(signature) else { return false }
            signature = der
        }
        return unsafe text.withUnsafeBufferPointer { text in
            unsafe copenssl_verify(
                raw, algorithm.digest, algorithm.isPSS ? 1 : 0, signature, signature.count, text.baseAddress,
                text.count) == 1
        }
    }

    /// The signature of a text; nil if the key has no private part or the algorithm is for other keys.
    func sign(_ text: [UInt8], with algorithm: TokenAlgorithm) -> [UInt8]? {
        guard algorithm.keyType == type else { return nil }
        let signature = unsafe [UInt8](unsafeUninitializedCapacity: AsymmetricKey.maxSignatureBytes) { bytes, count in
            count = unsafe copenssl_sign(
                raw, algorithm.digest, algorithm.isPSS ? 1 : 0, text, text.count, bytes.baseAddress, bytes.count)
        }
        guard !signature.isEmpty else { return nil }
        guard let bytes = type.signatureBytes else { return signature }
        var numbers = [UInt8](repeating: 0, count: bytes)
        return unsafe copenssl_signature_from_der(signature, signature.count, &numbers, bytes) == 1 ? numbers : nil
    }

    /// The largest RSA key's.
    private static let maxSignatureBytes = TokenKey.rsaBits.upperBound / 8

    /// A signature of two numbers in the form that OpenSSL takes.
    private static func der(_ numbers: [UInt8]) -> [UInt8]? {
        let der = unsafe [UInt8](unsafeUninitializedCapacity: numbers.count + 16) { bytes, count in
            count = unsafe copenssl_signature_to_der(numbers, numbers.count, bytes.baseAddress, bytes.count)
        }
        return der.isEmpty ? nil : der
    }
}

// MARK: - From PEM and from a JSON Web Key

extension AsymmetricKey {
    enum Block { case publicKey, certificate, privateKey }

    convenience init(pem text: [UInt8], _ block: Block) throws(TokenKeyViolation) {
        let kind =
            switch block {
            case .publicKey: COPENSSL_PUBLIC_KEY
            case .certificate: COPENSSL_CERTIFICATE
            case .privateKey: COPENSSL_PRIVATE_KEY
            }
        unsafe try self.init(copenssl_read_pem(text, text.count, kind))
    }

    convenience init(modulus: [UInt8], exponent: [UInt8]) throws(TokenKeyViolation) {
        // An even exponent is no key, and a long one makes each token expensive.
        guard let last = exponent.last, !last.isMultiple(of: 2), exponent != [1], exponent.count <= 8 else {
            throw .badMember("e")
        }
        unsafe try self.init(copenssl_rsa_key(modulus, modulus.count, exponent, exponent.count))
    }

    convenience init(curve: String, x: [UInt8], y: [UInt8]) throws(TokenKeyViolation) {
        guard let bytes = ["P-256": 32, "P-384": 48, "P-521": 66][curve] else { throw .unsupportedType }
        guard x.count == bytes else { throw .badMember("x") }
        guard y.count == bytes else { throw .badMember("y") }
        let point = [4] + x + y
        unsafe try self.init(copenssl_curve_key(curve, point, point.count))
    }

    convenience init(edwardsCurve curve: String, x: [UInt8]) throws(TokenKeyViolation) {
        guard let type = ["Ed25519": EVP_PKEY_ED25519, "Ed448": EVP_PKEY_ED448][curve] else { throw .unsupportedType }
        unsafe try self.init(copenssl_edwards_key(type, x, x.count))
    }
}
