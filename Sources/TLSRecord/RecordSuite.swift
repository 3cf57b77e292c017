/// How the records of an established session are protected: what its handshake agreed on.
public struct RecordSuite: Sendable, Equatable {
    /// The versions of the protocol whose records differ.
    public enum Version: Sendable, CaseIterable {
        /// RFC 5246.
        case tls12
        /// RFC 8446.
        case tls13
    }

    /// The algorithms that encrypt and authenticate: what RFC 9325 4.2 and RFC 8446 9.1 leave.
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

    /// The hash functions that keys are derived with.
    public enum Hash: Sendable, CaseIterable {
        case sha256
        case sha384

        var byteCount: Int { self == .sha256 ? 32 : 48 }
    }

    /// The protocol's version.
    public let version: Version
    /// What encrypts.
    public let aead: AEAD
    /// What derives keys.
    public let hash: Hash

    /// Names the three.
    public init(version: Version, aead: AEAD, hash: Hash) {
        self.version = version
        self.aead = aead
        self.hash = hash
    }

    /// A record's type, version and length (RFC 8446 5.1).
    static let headerBytes = 5
    /// The tag of each of the algorithms.
    static let tagBytes = 16
    /// What a record has to say, at most (RFC 8446 5.1).
    static let maxContentBytes = 16_384

    /// RFC 5288 3: with TLS 1.2 and GCM each record carries eight bytes of its nonce.
    var explicitNonceBytes: Int { version == .tls12 && aead != .chaCha20Poly1305 ? 8 : 0 }
    /// What is in front of a record's content.
    var prefixBytes: Int { RecordSuite.headerBytes + explicitNonceBytes }
    /// What is behind it: with TLS 1.3 its true type comes first (RFC 8446 5.2).
    var suffixBytes: Int { (version == .tls13 ? 1 : 0) + RecordSuite.tagBytes }
    /// What a record may have behind its header: RFC 8446 5.2, RFC 5246 6.2.3.
    var maxProtectedBytes: Int { RecordSuite.maxContentBytes + (version == .tls13 ? 256 : 2048) }
}
