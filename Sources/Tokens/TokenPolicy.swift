public import Access

/// What tokens must say besides having a valid signature.
public struct TokenPolicy: Equatable, Sendable {
    /// How far the issuer's clock may be ahead, in seconds; it does not extend `exp`.
    public static let leewaySeconds = 10

    /// The `iss` that is required; nil for every issuer that has a key.
    public var issuer: String?
    /// The element that `aud` must have; nil for every audience.
    public var audience: String?
    /// The longest time between `iat` and `exp` in seconds, which makes `exp` mandatory; nil for no limit.
    public var maxAgeSeconds: Int?

    /// Makes a policy.
    public init(issuer: String? = nil, audience: String? = nil, maxAgeSeconds: Int? = nil) {
        (self.issuer, self.audience, self.maxAgeSeconds) = (issuer, audience, maxAgeSeconds)
    }

    /// Whether a token that another policy has accepted has what this one requires, as far as its identity shows that.
    public func accepts(_ identity: Identity, acceptedBy other: TokenPolicy) -> Bool {
        guard issuer == nil || issuer == other.issuer, audience == nil || audience == other.audience else {
            return false
        }
        guard let maxAgeSeconds, maxAgeSeconds < other.maxAgeSeconds ?? .max else { return true }
        guard let expiresAt = identity.expiresAt, let issuedAt = identity.issuedAt else { return false }
        return expiresAt - issuedAt <= maxAgeSeconds
    }

    /// Checks verified claims at a time in seconds since 1970.
    func check(_ claims: TokenClaims, at now: Int) throws(TokenViolation) {
        if let issuer, claims.issuer?.utf8.elementsEqual(issuer.utf8) != true { throw .wrongIssuer }
        if let audience, !claims.audience.contains(where: { $0.utf8.elementsEqual(audience.utf8) }) {
            throw .wrongAudience
        }
        let latest = now + TokenPolicy.leewaySeconds
        if let notBefore = claims.notBefore, notBefore > latest { throw .notYetValid }
        if let issuedAt = claims.issuedAt, issuedAt > latest { throw .issuedInFuture }
        if let expiresAt = claims.expiresAt, expiresAt <= now { throw .expired }
        guard let maxAgeSeconds else { return }
        guard let expiresAt = claims.expiresAt else { throw .noExpiry }
        if expiresAt - (claims.issuedAt ?? now) > maxAgeSeconds { throw .validTooLong }
    }
}
