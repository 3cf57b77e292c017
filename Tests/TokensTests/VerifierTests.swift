import Access
import Channels
import Testing

@testable import Tokens

@Suite("verified tokens") struct VerifierTests {
    @Test("become the client's identity") func identity() throws {
        let claims = """
            {"sub":"42","exp":\(now + 60),"iat":\(now),"jti":"t1","info":{"name":"Ann"},"channels":["inbox.42"],
             "pushd":{"subscribe":["news","orders.*"],"publish":["chat"]}}
            """
        let identity = try verifier().verify(token(claims), at: now)
        #expect(identity.user == "42" && identity.isNamed)
        #expect(identity.expiresAt == now + 60 && identity.issuedAt == now)
        #expect(identity.info == Array(#"{"name":"Ann"}"#.utf8))
        #expect(identity.channels == ["inbox.42"])
        #expect(identity.grants.subscribe.map(\.text) == ["news", "orders.*"])
        #expect(identity.grants.publish.map(\.text) == ["chat"])
    }

    @Test("without sub are anonymous") func anonymous() throws {
        let identity = try verifier().verify(token("{}"), at: now)
        #expect(identity.user == "anonymous" && !identity.isNamed)
        #expect(identity.expiresAt == nil)
    }

    @Test("are verified once: the same token gives the same identity") func cached() throws {
        let verifier = try verifier()
        let token = try token()
        // An identity is one reference.
        let references = try (0..<2).map { _ in
            unsafe unsafeBitCast(try verifier.verify(token, at: now), to: UInt.self)
        }
        #expect(references[0] == references[1])
    }

    @Test("stay accepted as long as their key and what it is for stay") func keysOfIdentities() throws {
        let (first, second) = (try TokenKey(secret: TestKeys.secret), try TokenKey(secret: TestKeys.secret.reversed()))
        let old = try verifier(first)
        for claims in ["{}", #"{"sub":"1","pushd":{"subscribe":["a"]}}"#] {
            let identity = try old.verify(token(claims), at: now)
            #expect(identity.tokenKey != nil)
            #expect(try verifier(second, first).accepts(identity, acceptedBy: old))
            #expect(try !verifier(second).accepts(identity, acceptedBy: old))
            #expect(try !verifier(TokenKey(secret: TestKeys.secret, id: "a")).accepts(identity, acceptedBy: old))
        }
        #expect(old.isLike(try verifier(TokenKey(secret: TestKeys.secret))))
        #expect(try !old.isLike(verifier(first, second)) && !old.isLike(verifier(policy: TokenPolicy(issuer: "a"))))
    }

    @Test(
        "are looked at again under a stricter policy",
        arguments: [
            (TokenPolicy(), TokenPolicy(issuer: "a"), false), (TokenPolicy(issuer: "a"), TokenPolicy(), true),
            (TokenPolicy(issuer: "a"), TokenPolicy(issuer: "a"), true),
            (TokenPolicy(audience: "a"), TokenPolicy(audience: "b"), false),
            (TokenPolicy(), TokenPolicy(maxAgeSeconds: 60), true),
            (TokenPolicy(), TokenPolicy(maxAgeSeconds: 59), false),
            (TokenPolicy(maxAgeSeconds: 59), TokenPolicy(maxAgeSeconds: 59), true),
        ])
    func policies(old: TokenPolicy, new: TokenPolicy, isAccepted: Bool) {
        let identity = Identity(user: "1", expiresAt: now + 60, issuedAt: now)
        #expect(new.accepts(identity, acceptedBy: old) == isAccepted)
    }

    @Test("without iat are not known to be young enough") func unknownAge() {
        for identity in [Identity(user: "1", expiresAt: now), Identity(user: "1", issuedAt: now)] {
            #expect(!TokenPolicy(maxAgeSeconds: 60).accepts(identity, acceptedBy: TokenPolicy()))
        }
    }

    @Test("fill the cache to more than half before they drive others out") func cacheFills() {
        var cache = TokenCache(places: 1024)
        let digests = (0..<512).map { TokenDigest(of: Array("\($0)".utf8)) }
        for (number, digest) in digests.enumerated() {
            cache.insert(Identity(user: "\(number)"), of: digest, at: now)
        }
        for (number, digest) in digests.enumerated() {
            let user = cache.identity(of: digest)?.user
            #expect(user == "\(number)")
        }
        let stranger = cache.identity(of: TokenDigest(of: [0]))
        #expect(stranger == nil)
    }

    @Test("take the places of expired ones, and then of any") func cacheLimit() {
        var cache = TokenCache(places: 16)
        let digests = (0..<18).map { TokenDigest(of: [UInt8($0)]) }
        for number in 0..<16 {
            let end = number == 7 ? now : now + 60
            cache.insert(Identity(user: "\(number)", expiresAt: end), of: digests[number], at: now)
        }
        cache.insert(Identity(user: "16"), of: digests[16], at: now)
        var missing = digests.indices.filter { cache.identity(of: digests[$0])?.user != "\($0)" }
        #expect(missing == [7, 17])
        cache.insert(Identity(user: "17"), of: digests[17], at: now)
        missing = digests.indices.filter { cache.identity(of: digests[$0])?.user != "\($0)" }
        #expect(missing.count == 2 && !missing.contains(17))
    }

    @Test("that no key verifies are told apart while others are still to come") func keysToCome() throws {
        let keys = try TokenKeys([TokenKey(secret: TestKeys.secret)])
        let waiting = TokenVerifier(keys: keys, policy: TokenPolicy(), awaitsKeys: true)
        let stranger = try token(header: #"{"alg":"HS256","kid":"x"}"#, secret: Array(repeating: 1, count: 32))
        #expect(try refusal(of: stranger, by: waiting) == .keysMissing)
        #expect(try refusal(of: stranger) == .unknownKey)
        #expect(try refusal(of: token(), by: waiting) == nil)
        #expect(TokenViolation.allCases.filter(\.isForLackOfKey) == [.unknownKey, .keysMissing])
    }

    @Test("every refusal has its own sentence, without a full stop") func messages() {
        let messages = TokenViolation.allCases.map(\.message)
        #expect(Set(messages).count == messages.count)
        #expect(messages.allSatisfy { $0.hasPrefix("the ") || $0.hasPrefix("a ") || $0.hasPrefix("no ") })
        #expect(messages.allSatisfy { !$0.hasSuffix(".") })
    }
}
