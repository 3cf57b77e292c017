internal import Bytes

extension TokenKey {
    /// Reads a JSON Web Key (RFC 7517); nil if it is not for verifying signatures.
    init?(jwk: JSONObject) throws(TokenKeyViolation) {
        guard TokenKey.isForSignatures(jwk) else { return nil }
        let id = try TokenKey.id(of: jwk)
        let algorithm = try TokenKey.algorithm(of: jwk)
        guard case .string(let type) = jwk["kty"] else { throw .badMember("kty") }
        guard type == "oct" || jwk["d"] == nil else { throw .privateKey }
        switch type {
        case "oct":
            try self.init(secret: TokenKey.bytes("k", of: jwk), id: id, only: algorithm)
        case "RSA":
            let key = try AsymmetricKey(
                modulus: TokenKey.bytes("n", of: jwk), exponent: TokenKey.bytes("e", of: jwk))
            self.init(key, id: id, only: algorithm)
        case "EC":
            let key = try AsymmetricKey(
                curve: TokenKey.curve(of: jwk), x: TokenKey.bytes("x", of: jwk), y: TokenKey.bytes("y", of: jwk))
            self.init(key, id: id, only: algorithm)
        case "OKP":
            let key = try AsymmetricKey(edwardsCurve: TokenKey.curve(of: jwk), x: TokenKey.bytes("x", of: jwk))
            self.init(key, id: id, only: algorithm)
        default:
            throw .unsupportedType
        }
        guard !algorithms.isEmpty else { throw .badMember("alg") }
    }

    /// Keys for encryption are in many sets.
    private static func isForSignatures(_ jwk: JSONObject) -> Bool {
        if let use = jwk["use"], use != .string("sig") { return false }
        guard case .string(let algorithm) = jwk["alg"] else { return true }
        return !algorithm.hasPrefix("RSA") && !algorithm.hasPrefix("ECDH") && !algorithm.contains("GCM")
    }

    private static func id(of jwk: JSONObject) throws(TokenKeyViolation) -> String? {
        switch jwk["kid"] {
        case .none: nil
        case .string(let id): id
        default: throw .badMember("kid")
        }
    }

    private static func algorithm(of jwk: JSONObject) throws(TokenKeyViolation) -> TokenAlgorithm? {
        guard let member = jwk["alg"] else { return nil }
        guard case .string(let name) = member, let algorithm = TokenAlgorithm(rawValue: name) else {
            throw .badMember("alg")
        }
        return algorithm
    }

    private static func curve(of jwk: JSONObject) throws(TokenKeyViolation) -> String {
        guard case .string(let curve) = jwk["crv"] else { throw .badMember("crv") }
        return curve
    }

    private static func bytes(_ name: String, of jwk: JSONObject) throws(TokenKeyViolation) -> [UInt8] {
        guard case .string(let text) = jwk[name], let bytes = Base64URL.decode(Array(text.utf8).rawSpan), !bytes.isEmpty
        else { throw .badMember(name) }
        return bytes
    }
}
