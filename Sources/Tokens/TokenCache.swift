internal import Access
internal import COpenSSL

/// The identities of tokens that were verified, by the digests of the tokens; the tokens themselves are not kept.
///
/// It has two halves: what is used goes into the young one, and when that is full it becomes the old one, whose
/// entries end. So its size has a limit, and what is in use stays.
struct TokenCache: ~Copyable {
    /// At most half a megabyte of claims.
    private static let maxShared = 1024
    private static let maxSharedBytes = 512

    private let limit: Int
    private var young: [TokenDigest: Identity] = [:]
    private var old: [TokenDigest: Identity] = [:]
    private var sharedGrants: [[UInt8]: SharedGrants] = [:]

    /// - Parameter limit: the most identities.
    init(limit: Int) {
        self.limit = limit
    }

    /// The grants of a token: the same object as those of other tokens with the same key and claim, if it is short.
    mutating func grants(of claims: TokenClaims, _ key: UInt64) -> SharedGrants {
        let text = (0..<8).map { UInt8(truncatingIfNeeded: key >> ($0 * 8)) } + (claims.grantsText ?? [])
        if let grants = sharedGrants[text] { return grants }
        let grants = claims.sharedGrants(of: key)
        guard text.count <= TokenCache.maxSharedBytes else { return grants }
        if sharedGrants.count >= TokenCache.maxShared { sharedGrants = [:] }
        sharedGrants[text] = grants
        return grants
    }

    var count: Int { young.count + old.count }

    /// The identity of a token; its `expiresAt` may have passed.
    mutating func identity(of digest: TokenDigest) -> Identity? {
        if let identity = young[digest] { return identity }
        guard let identity = old.removeValue(forKey: digest) else { return nil }
        insert(identity, of: digest)
        return identity
    }

    mutating func insert(_ identity: Identity, of digest: TokenDigest) {
        if young.count >= limit / 2 {
            old = young
            young = [:]
        }
        young[digest] = identity
    }

    mutating func remove(_ digest: TokenDigest) {
        young[digest] = nil
        old[digest] = nil
    }
}

/// The first half of a token's SHA-256 digest: to find another token with the same one takes 2^128 attempts.
struct TokenDigest: Hashable {
    private let words: (UInt64, UInt64)

    init(of token: [UInt8]) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let succeeded = unsafe withUnsafeMutableBytes(of: &words) { digest in
            unsafe EVP_Digest(
                token, token.count, digest.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, EVP_sha256(), nil)
        }
        precondition(succeeded == 1, "libcrypto cannot compute SHA-256")
        self.words = (words.0, words.1)
    }

    static func == (left: TokenDigest, right: TokenDigest) -> Bool { left.words == right.words }

    /// A part of it, which tells a few texts apart.
    var number: UInt64 { words.0 }

    /// A part of the digest is as good as all of it.
    func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
