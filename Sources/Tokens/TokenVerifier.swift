public import Access
internal import Synchronization

/// Verifies tokens: their form, their signature and their claims.
///
/// It does not change, except for its cache of verified tokens: other keys or another policy need a new verifier, which
/// knows none of the old tokens. Safe on any thread; the cache has a lock, which is held for a lookup only.
public final class TokenVerifier: Sendable {
    /// The longest token.
    public static let maxBytes = 8192
    /// The most identities that are cached: 384 KiB, and 64 bytes for each whose connection has ended.
    private static let cachePlaces = 16_384

    /// The keys.
    public let keys: TokenKeys
    /// Whether further keys are expected, which have not been fetched yet.
    private let awaitsKeys: Bool
    /// What the claims must say.
    public let policy: TokenPolicy
    private let cache = Mutex(TokenCache(places: cachePlaces))

    /// Makes a verifier.
    ///
    /// - Parameter awaitsKeys: whether further keys are expected, which have not been fetched yet.
    public init(keys: TokenKeys, policy: TokenPolicy, awaitsKeys: Bool = false) {
        (self.keys, self.policy, self.awaitsKeys) = (keys, policy, awaitsKeys)
    }

    /// Verifies a token; one that was verified before only costs a digest and a lookup.
    ///
    /// - Parameter now: the time in seconds since 1970.
    /// - Returns: the client that the token is for.
    public func verify(_ token: [UInt8], at now: Int) throws(TokenViolation) -> Identity {
        guard token.count <= TokenVerifier.maxBytes else { throw .tooLong }
        let digest = TokenDigest(of: token)
        if let identity = cache.withLock({ $0.identity(of: digest) }) {
            guard identity.isValid(at: now) else { throw .expired }
            return identity
        }
        let (claims, key) = try claims(of: token)
        try policy.check(claims, at: now)
        return cache.withLock { cache in
            let identity = claims.identity(of: token, sharing: cache.grants(of: claims, key.fingerprint))
            cache.insert(identity, of: digest, at: now)
            return identity
        }
    }

    /// Whether another one decides as this one does.
    public func isLike(_ other: TokenVerifier) -> Bool {
        keys.keys.map(\.fingerprint) == other.keys.keys.map(\.fingerprint) && policy == other.policy
            && awaitsKeys == other.awaitsKeys
    }

    /// Whether the token of a client that another verifier has accepted would have a key here, and keep the policy.
    public func accepts(_ identity: Identity, acceptedBy other: TokenVerifier) -> Bool {
        keys.keys.contains { $0.fingerprint == identity.tokenKey }
            && policy.accepts(identity, acceptedBy: other.policy)
    }

    /// The claims of a token whose signature fits one of the keys, and that key.
    private func claims(of token: [UInt8]) throws(TokenViolation) -> (TokenClaims, TokenKey) {
        let text = try TokenText(token)
        let header = try TokenHeader(parsing: text.header)
        let candidates = keys.candidates(id: header.keyID, header.algorithm)
        let key = candidates.first { $0.verifies(text.signature, of: text.signedText, with: header.algorithm) }
        guard let key else { throw refusal(of: header, hasCandidates: !candidates.isEmpty) }
        return (try TokenClaims(parsing: text.claims), key)
    }

    private func refusal(of header: TokenHeader, hasCandidates: Bool) -> TokenViolation {
        guard !awaitsKeys else { return .keysMissing }
        if let id = header.keyID, !keys.contains(id: id) { return .unknownKey }
        return hasCandidates ? .badSignature : .noKeyForAlgorithm
    }
}

extension Identity {
    func isValid(at now: Int) -> Bool { expiresAt.map { $0 > now } ?? true }
}
