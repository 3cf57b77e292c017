internal import Bytes

/// What a token's header says about its signature; nothing in it is trusted.
///
/// Members that offer a key (`jwk`, `jku`, `x5c`, `x5u`) are not read.
struct TokenHeader {
    private static let maxKeyIDBytes = 255
    /// The types of tokens that grant access (RFC 7519 section 5.1, RFC 9068 section 2.1), in lower case.
    private static let types: Set<String> = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"]

    let algorithm: TokenAlgorithm
    let keyID: String?

    init(parsing text: [UInt8]) throws(TokenViolation) {
        let object = try JSONObject(ofToken: text.rawSpan)
        guard object["crit"] == nil, object["b64"] == nil else { throw .criticalHeader }
        switch object["alg"] {
        case .none: throw .noAlgorithm
        case .string(let name):
            guard let algorithm = TokenAlgorithm(rawValue: name) else { throw .unsupportedAlgorithm }
            self.algorithm = algorithm
        default: throw .unsupportedAlgorithm
        }
        try TokenHeader.checkType(of: object)
        switch object["kid"] {
        case .none: keyID = nil
        case .string(let id) where id.utf8.count <= TokenHeader.maxKeyIDBytes: keyID = id
        default: throw .badKeyID
        }
    }

    /// An issuer's tokens for other purposes (`logout+jwt`, `dpop+jwt`) may have the same key (RFC 8725 section 3.11).
    private static func checkType(of object: JSONObject) throws(TokenViolation) {
        guard object["cty"] == nil else { throw .wrongType }
        switch object["typ"] {
        case .none: break
        case .string(let type) where types.contains(type.lowercased()): break
        default: throw .wrongType
        }
    }
}
