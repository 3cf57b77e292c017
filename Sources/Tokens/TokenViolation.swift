/// Why a token is refused; the texts never contain a part of the token.
public enum TokenViolation: Error, Equatable, Sendable, CaseIterable {
    /// Longer than `TokenVerifier.maxBytes`.
    case tooLong
    /// Not three parts with dots between them: no signed JWT, or an encrypted one.
    case malformed
    /// A part that is not Base64 for URLs, or not in its only form.
    case badEncoding
    /// A header or claims that are no JSON object.
    case badJSON
    /// A member that is there twice, so that two readers may see different values.
    case duplicateMember
    /// A header without `alg`.
    case noAlgorithm
    /// `none`, an algorithm of another standard, or one that is not supported.
    case unsupportedAlgorithm
    /// A header with `crit` or `b64`: it changes how the token must be read.
    case criticalHeader
    /// A token in a token, or one of a kind that is not for access.
    case wrongType
    /// A `kid` that is no string of at most 255 bytes.
    case badKeyID
    /// No key has the token's `kid`.
    case unknownKey
    /// The signature fits no key that is there, and others have not been fetched yet.
    case keysMissing
    /// No key is for the token's algorithm.
    case noKeyForAlgorithm
    /// The signature fits no key.
    case badSignature
    /// A claim of the wrong type or form.
    case badClaim
    /// From `exp` on.
    case expired
    /// Before `nbf`.
    case notYetValid
    /// An `iat` that has not come yet.
    case issuedInFuture
    /// No `exp`, although tokens must have one.
    case noExpiry
    /// Longer between `iat` and `exp` than allowed.
    case validTooLong
    /// Another issuer, or none.
    case wrongIssuer
    /// Not meant for this server.
    case wrongAudience
    /// An admin has ended it before its time.
    case revoked

    /// Whether a key that is fetched later may verify the token.
    public var isForLackOfKey: Bool { self == .unknownKey || self == .keysMissing }

    /// One sentence for the client.
    public var message: String {
        switch self {
        case .tooLong: "the token is longer than \(TokenVerifier.maxBytes) bytes"
        case .malformed: "the token is not a signed JWT of three parts"
        case .badEncoding: "a part of the token is not Base64 for URLs"
        case .badJSON: "the token's header or claims are not a JSON object"
        case .duplicateMember: "the token has a member twice"
        case .noAlgorithm: "the token names no algorithm"
        case .unsupportedAlgorithm: "the token's algorithm is not supported"
        case .criticalHeader: "the token's header has crit or b64, which is not supported"
        case .wrongType: "the token is of a type that is not for access"
        case .badKeyID: "the token's kid is not a string of at most 255 bytes"
        case .unknownKey: "the token's kid names no key of this server"
        case .keysMissing: "the key that the token was signed with is not known yet"
        case .noKeyForAlgorithm: "no key of this server is for the token's algorithm"
        case .badSignature: "the token's signature is wrong"
        case .badClaim: "a claim of the token has the wrong type or form"
        case .expired: "the token has expired"
        case .notYetValid: "the token is not valid yet"
        case .issuedInFuture: "the token was issued in the future"
        case .noExpiry: "the token has no exp"
        case .validTooLong: "the token is valid for longer than allowed"
        case .wrongIssuer: "the token is from another issuer"
        case .wrongAudience: "the token is for another audience"
        case .revoked: "the token was revoked"
        }
    }
}
