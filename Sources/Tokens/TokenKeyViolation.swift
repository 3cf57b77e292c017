/// Why a key for tokens cannot be used; the text never contains the key.
public enum TokenKeyViolation: Error, Equatable, Sendable, CustomStringConvertible {
    /// A secret that could be guessed.
    case shortSecret(bytes: Int)
    /// An RSA key outside of the allowed sizes.
    case rsaSize(bits: Int)
    /// A private key where a public one is enough.
    case privateKey
    /// Neither PEM nor a JSON Web Key (Set).
    case unknownFormat
    /// A PEM file with more than one block.
    case severalBlocks
    /// A key or certificate that OpenSSL cannot read, such as an encrypted one.
    case unreadable
    /// A key of another type or on another curve.
    case unsupportedType
    /// A JSON Web Key without a required member, or with one of the wrong form.
    case badMember(String)
    /// A set without a key for signatures.
    case noKeys
    /// More keys than a token is ever tried with.
    case tooManyKeys

    /// One sentence.
    public var description: String {
        switch self {
        case .shortSecret(let bytes):
            "the secret has \(bytes) bytes, and at least 32 are needed; openssl rand -hex 32 makes one"
        case .rsaSize(let bits):
            "the RSA key has \(bits) bits, and \(TokenKey.rsaBits.lowerBound) to \(TokenKey.rsaBits.upperBound) are "
                + "allowed"
        case .privateKey: "it is a private key, and the server needs only the public one"
        case .unknownFormat: "it is neither PEM (a public key or a certificate) nor a JSON Web Key or Key Set"
        case .severalBlocks: "it has several PEM blocks, and each key needs a file of its own"
        case .unreadable: "the key cannot be read"
        case .unsupportedType: "keys are RSA, on the curves P-256, P-384 and P-521, Ed25519 and Ed448, or secrets"
        case .badMember(let name): "the key's member \(name) is missing or wrong"
        case .noKeys: "it has no key for signatures"
        case .tooManyKeys: "it has more than \(TokenKeys.maxCount) keys"
        }
    }
}
