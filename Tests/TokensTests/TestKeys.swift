import COpenSSL

/// Keys that are made for these tests.
enum TestKeys {
    static let rsa = Pair("RSA", bits: 2048)
    static let weakRSA = Pair("RSA", bits: 1024)
    static let p256 = Pair("EC", curve: "P-256")
    static let p384 = Pair("EC", curve: "P-384")
    static let p521 = Pair("EC", curve: "P-521")
    static let ed25519 = Pair("ED25519")
    static let ed448 = Pair("ED448")
    /// A curve that is not for tokens.
    static let bitcoin = Pair("EC", curve: "secp256k1")
    static let secret = Array("a secret of at least sixty-four bytes, so that it is for HS512 too.".utf8)

    /// A private and a public key in PEM.
    struct Pair: Sendable {
        let privatePEM: [UInt8]
        let publicPEM: [UInt8]

        init(_ type: String, bits: Int32? = nil, curve: String? = nil) {
            var key: OpaquePointer?
            let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil)
            precondition(unsafe EVP_PKEY_keygen_init(context) == 1)
            if let bits { precondition(unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1) }
            if let curve { precondition(unsafe EVP_PKEY_CTX_set_group_name(context, curve) == 1) }
            precondition(unsafe EVP_PKEY_generate(context, &key) == 1)
            privatePEM = unsafe Pair.text { unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
            publicPEM = unsafe Pair.text { unsafe PEM_write_bio_PUBKEY($0, key) }
            unsafe EVP_PKEY_free(key)
            unsafe EVP_PKEY_CTX_free(context)
        }

        private static func text(_ write: (OpaquePointer?) -> Int32) -> [UInt8] {
            let bio = unsafe BIO_new(BIO_s_mem())
            defer { _ = unsafe BIO_free(bio) }
            precondition(unsafe write(bio) == 1)
            var text = [UInt8](repeating: 0, count: 16_384)
            let count = unsafe BIO_read(bio, &text, 16_384)
            text.removeLast(text.count - Int(count))
            return text
        }
    }
}
