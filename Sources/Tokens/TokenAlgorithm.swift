internal import COpenSSL

/// The algorithms that sign tokens (RFC 7518 section 3.1, RFC 8037 section 3.1).
///
/// `none` is not one of them, so a token that names it has no algorithm here.
public enum TokenAlgorithm: String, CaseIterable, Sendable {
    case hs256 = "HS256", hs384 = "HS384", hs512 = "HS512"
    case rs256 = "RS256", rs384 = "RS384", rs512 = "RS512"
    case ps256 = "PS256", ps384 = "PS384", ps512 = "PS512"
    case es256 = "ES256", es384 = "ES384", es512 = "ES512"
    case edDSA = "EdDSA"

    /// The only type of key that the algorithm works with.
    enum KeyType: Sendable { case secret, rsa, p256, p384, p521, edwards }

    var keyType: KeyType {
        switch self {
        case .hs256, .hs384, .hs512: .secret
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: .rsa
        case .es256: .p256
        case .es384: .p384
        case .es512: .p521
        case .edDSA: .edwards
        }
    }

    var isPSS: Bool { self == .ps256 || self == .ps384 || self == .ps512 }

    /// The hash; nil where the algorithm has its own.
    var digest: OpaquePointer? {
        switch self {
        case .hs256, .rs256, .ps256, .es256: unsafe EVP_sha256()
        case .hs384, .rs384, .ps384, .es384: unsafe EVP_sha384()
        case .hs512, .rs512, .ps512, .es512: unsafe EVP_sha512()
        case .edDSA: nil
        }
    }

    /// The shortest secret: as long as the hash (RFC 7518 section 3.2).
    var minSecretBytes: Int {
        switch self {
        case .hs384: 48
        case .hs512: 64
        default: 32
        }
    }

    /// The algorithms for a type of key.
    static func all(for type: KeyType) -> [TokenAlgorithm] { allCases.filter { $0.keyType == type } }
}

extension TokenAlgorithm.KeyType {
    /// The bytes of a signature of two numbers; nil for types whose signature is none.
    var signatureBytes: Int? {
        switch self {
        case .p256: 64
        case .p384: 96
        case .p521: 132
        case .secret, .rsa, .edwards: nil
        }
    }
}
