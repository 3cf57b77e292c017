internal import Bytes

/// Makes tokens.
public struct TokenSigner: Sendable {
    private enum Material: Sendable {
        case secret([UInt8])
        case asymmetric(AsymmetricKey)
    }

    /// The algorithm that the tokens name.
    public let algorithm: TokenAlgorithm
    private let material: Material
    private let keyID: String?

    /// Signs with a secret.
    ///
    /// - Parameters:
    ///   - algorithm: nil for the one with the shortest hash.
    ///   - keyID: the `kid` of the tokens.
    public init(secret: [UInt8], algorithm: TokenAlgorithm? = nil, keyID: String? = nil) throws(TokenKeyViolation) {
        let usable = try TokenKey(secret: secret).algorithms
        guard let algorithm = usable.first(where: { ($0 == algorithm ?? $0) }) else { throw .unsupportedType }
        (self.algorithm, self.keyID, material) = (algorithm, keyID, .secret(secret))
    }

    /// Signs with a private key in PEM.
    public init(pem text: [UInt8], algorithm: TokenAlgorithm? = nil, keyID: String? = nil) throws(TokenKeyViolation) {
        let key = try AsymmetricKey(pem: text, .privateKey)
        let usable = TokenAlgorithm.all(for: key.type)
        guard let algorithm = usable.first(where: { $0 == algorithm ?? $0 }) else { throw .unsupportedType }
        (self.algorithm, self.keyID, material) = (algorithm, keyID, .asymmetric(key))
    }

    /// The token with these claims, which are a JSON object; nil if the key cannot sign.
    public func token(claims: [UInt8]) -> String? {
        var header = JSONObjectWriter()
        header.member("alg", algorithm.rawValue)
        header.member("typ", "JWT")
        if let keyID { header.member("kid", keyID) }
        let text = Base64URL.encode(header.finish().rawSpan) + "." + Base64URL.encode(claims.rawSpan)
        let signature: [UInt8]? =
            switch material {
            case .secret(let secret): TokenKey.code(of: Array(text.utf8)[...], secret, algorithm)
            case .asymmetric(let key): key.sign(Array(text.utf8), with: algorithm)
            }
        return signature.map { text + "." + Base64URL.encode($0.rawSpan) }
    }
}
