internal import Access
internal import COpenSSL

/// The identities of tokens that were verified, by the digests of the tokens; the tokens themselves are not kept.
///
/// It is a table of fixed size, so that its memory is the process' and not a connection's. A token has a few places,
/// and one that has expired gives up its place first.
struct TokenCache: ~Copyable {
    private struct Entry {
        let digest: TokenDigest
        let identity: Identity
    }

    /// How many places a token has.
    private static let reach = 16
    /// At most half a megabyte of claims.
    private static let maxShared = 1024
    private static let maxSharedBytes = 512

    private var entries: ContiguousArray<Entry?>
    private var sharedGrants: [[UInt8]: SharedGrants] = [:]

    /// - Parameter places: the most identities, a power of two.
    init(places: Int) {
        entries = ContiguousArray(repeating: nil, count: places)
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

    /// The identity of a token; its `expiresAt` may have passed.
    func identity(of digest: TokenDigest) -> Identity? {
        for place in places(of: digest) {
            if let entry = entries[place], entry.digest == digest { return entry.identity }
        }
        return nil
    }

    /// Adds the identity of a token, perhaps instead of another one's.
    mutating func insert(_ identity: Identity, of digest: TokenDigest, at now: Int) {
        let places = places(of: digest)
        let free = places.first { place in entries[place].map { !$0.identity.isValid(at: now) } ?? true }
        entries[free ?? places.randomElement() ?? 0] = Entry(digest: digest, identity: identity)
    }

    private func places(of digest: TokenDigest) -> some Collection<Int> {
        let (first, mask) = (Int(truncatingIfNeeded: digest.number), entries.count - 1)
        return (0..<TokenCache.reach).lazy.map { (first &+ $0) & mask }
    }
}

/// The first half of a token's SHA-256 digest: to find another token with the same one takes 2^128 attempts.
struct TokenDigest: Equatable {
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
}
