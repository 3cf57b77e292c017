/// How the records of an established session are protected, as agreed in its handshake.
public struct RecordSuite: Sendable, Equatable {
    /// The protocol versions; their records differ.
    public enum Version: Sendable, CaseIterable {
        /// RFC 5246.
        case tls12
        /// RFC 8446.
        case tls13
    }

    /// The encryption algorithms that RFC 9325 4.2 and RFC 8446 9.1 recommend.
    public enum AEAD: Int, Sendable, CaseIterable {
        case aes128GCM
        case aes256GCM
        case chaCha20Poly1305

        var keyBytes: Int { self == .aes128GCM ? 16 : 32 }

        /// OpenSSL's name for it.
        var name: String {
            switch self {
            case .aes128GCM: "AES-128-GCM"
            case .aes256GCM: "AES-256-GCM"
            case .chaCha20Poly1305: "ChaCha20-Poly1305"
            }
        }
    }

    /// The hash functions for key derivation.
    public enum Hash: Sendable, CaseIterable {
        case sha256
        case sha384

        var byteCount: Int { self == .sha256 ? 32 : 48 }
    }

    /// The protocol's version.
    public let version: Version
    /// The encryption algorithm.
    public let aead: AEAD
    /// The hash for key derivation.
    public let hash: Hash

    /// Makes a suite of the three.
    public init(version: Version, aead: AEAD, hash: Hash) {
        self.version = version
        self.aead = aead
        self.hash = hash
    }

    /// A record's type, version and length (RFC 8446 5.1).
    static let headerBytes = 5
    /// The tag, the same length for all algorithms.
    static let tagBytes = 16
    /// The most bytes of content in a record (RFC 8446 5.1).
    static let maxContentBytes = 16_384

    /// RFC 5288 3: with TLS 1.2 and GCM each record carries eight bytes of its nonce.
    var explicitNonceBytes: Int { version == .tls12 && aead != .chaCha20Poly1305 ? 8 : 0 }
    /// The number of bytes before a record's content.
    var prefixBytes: Int { RecordSuite.headerBytes + explicitNonceBytes }
    /// The number of bytes after the content: with TLS 1.3 its true type comes first (RFC 8446 5.2).
    var suffixBytes: Int { (version == .tls13 ? 1 : 0) + RecordSuite.tagBytes }
    /// The most bytes after a record's header: RFC 8446 5.2, RFC 5246 6.2.3.
    var maxProtectedBytes: Int { RecordSuite.maxContentBytes + (version == .tls13 ? 256 : 2048) }
}
