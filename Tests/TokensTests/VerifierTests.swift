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
        #expect(try verifier.verify(token, at: now) === verifier.verify(token, at: now))
    }

    @Test("the cache has a limit, and keeps what is in use") func cacheLimit() {
        var cache = TokenCache(limit: 10)
        let used = TokenDigest(of: [1, 2, 3])
        cache.insert(Identity(user: "used"), of: used)
        for number in 0..<100 {
            cache.insert(Identity(user: "\(number)"), of: TokenDigest(of: [UInt8(number)]))
            let user = cache.identity(of: used)?.user
            #expect(user == "used")
            let count = cache.count
            #expect(count <= 10)
        }
        let (first, last) = (cache.identity(of: TokenDigest(of: [0])), cache.identity(of: TokenDigest(of: [99])))
        #expect(first == nil && last?.user == "99")
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
