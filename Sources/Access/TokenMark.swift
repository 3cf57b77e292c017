internal import Bytes
internal import COpenSSL

/// What recognises a token, in eight bytes: the beginning of a SHA-256 digest, the same on all nodes.
///
/// The digest is that of the token's `jti`, or of the whole token if it has none. Each connection with a token keeps
/// one, so it is short; another token has the same one with a probability of 2^-64, and would be revoked with it.
public struct TokenMark: Hashable, Sendable {
    /// The bytes as a number; never 0.
    let value: UInt64

    /// The mark of a token with a `jti`.
    public init(ofID id: String) {
        self.init(ofBytes: Array(id.utf8))
    }

    /// The mark of a token without one.
    public init(ofToken token: [UInt8]) {
        self.init(ofBytes: token)
    }

    /// Reads what `description` wrote; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 16, text.first != "+", let value = UInt64(text, radix: 16), value != 0 else {
            return nil
        }
        self.value = value
    }

    /// From a number that was kept; nil for 0, which stands for no mark.
    init?(value: UInt64) {
        guard value != 0 else { return nil }
        self.value = value
    }

    private init(ofBytes bytes: [UInt8]) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let succeeded = unsafe withUnsafeMutableBytes(of: &words) { digest in
            unsafe EVP_Digest(
                bytes, bytes.count, digest.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, EVP_sha256(), nil)
        }
        precondition(succeeded == 1, "libcrypto cannot compute SHA-256")
        value = max(UInt64(bigEndian: words.0), 1)
    }
}

extension TokenMark: CustomStringConvertible {
    /// Sixteen hexadecimal digits.
    public var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
