internal import COpenSSL

/// Signs texts with a secret (HMAC-SHA256): whoever has the secret too can tell where a text comes from.
public struct TextSigner: Equatable, Sendable {
    private let secret: [UInt8]

    /// A signer with a secret, which must not be empty.
    public init(secret: [UInt8]) {
        self.secret = secret
    }

    /// The signature of a text, as 64 small hexadecimal digits.
    public func signature(of text: [UInt8]) -> String {
        var code = [UInt8](repeating: 0, count: 32)
        let result = unsafe HMAC(EVP_sha256(), secret, Int32(secret.count), text, text.count, &code, nil)
        precondition(unsafe result != nil, "libcrypto cannot compute an HMAC")
        return TextSigner.hexadecimal(code)
    }

    /// Whether this is the signature of a text; the time says nothing of how much of it is right.
    public func accepts(_ signature: String, of text: [UInt8]) -> Bool {
        TextSigner.isEqual(Array(self.signature(of: text).utf8), Array(signature.utf8))
    }

    /// The MD5 digest of a text in hexadecimal, which protects nothing by itself: it is what gets signed.
    public static func md5(of text: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 16)
        let result = unsafe EVP_Digest(text, text.count, &digest, nil, EVP_md5(), nil)
        precondition(result == 1, "libcrypto cannot compute an MD5 digest")
        return hexadecimal(digest)
    }

    /// Compares in a time that depends only on the lengths.
    static func isEqual(_ expected: [UInt8], _ given: [UInt8]) -> Bool {
        guard expected.count == given.count else { return false }
        return unsafe CRYPTO_memcmp(expected, given, expected.count) == 0
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digit($0 >> 4), digit($0 & 15)] }, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
