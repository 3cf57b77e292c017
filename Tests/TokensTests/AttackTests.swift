import Bytes
import Testing

@testable import Tokens

// Each test is named after the attack, and succeeds if the attack does not. Those on channels and connections are in
// Tests/Acceptance/test_token_attacks.py.

@Suite("attacks on a token's header") struct HeaderAttackTests {
    @Test("alg none", arguments: ["none", "None", "NONE", "nOnE", ""])
    func algNone(name: String) throws {
        let text = "\(part(#"{"alg":"\#(name)"}"#)).\(part(#"{"sub":"42"}"#))"
        #expect(try refusal(of: Array("\(text).".utf8)) == .malformed)
        #expect(try refusal(of: token(header: #"{"alg":"\#(name)"}"#)) == .unsupportedAlgorithm)
    }

    @Test("no alg, or one that is no string") func noAlg() throws {
        #expect(try refusal(of: token(header: #"{"typ":"JWT"}"#)) == .noAlgorithm)
        #expect(try refusal(of: token(header: #"{"alg":["HS256"]}"#)) == .unsupportedAlgorithm)
        #expect(try refusal(of: token(header: #"{"alg":null}"#)) == .unsupportedAlgorithm)
    }

    @Test("alg in another case, or of encryption", arguments: ["hs256", "HS256 ", "A256GCM", "dir", "ES256K", "HS1"])
    func unknownAlg(name: String) throws {
        #expect(try refusal(of: token(header: #"{"alg":"\#(name)"}"#)) == .unsupportedAlgorithm)
    }

    @Test("HS256 with the public key as the secret", arguments: [TestKeys.rsa, TestKeys.p256, TestKeys.ed25519])
    func publicKeyAsSecret(pair: TestKeys.Pair) throws {
        let verifier = try verifier(TokenKey(pem: pair.publicPEM))
        for secret in [pair.publicPEM, Array(pair.publicPEM.dropLast())] {
            let token = try token(header: #"{"alg":"HS256"}"#, secret: secret)
            #expect(try refusal(of: token, by: verifier) == .noKeyForAlgorithm)
        }
    }

    @Test("an algorithm that the key set does not allow for the key") func restrictedKey() throws {
        let key = try AsymmetricKey(pem: TestKeys.rsa.publicPEM, .publicKey)
        let verifier = try verifier(TokenKey(key, only: .rs256))
        let token = try token(#"{"sub":"42"}"#, TokenSigner(pem: TestKeys.rsa.privatePEM, algorithm: .ps256))
        #expect(try refusal(of: token, by: verifier) == .noKeyForAlgorithm)
    }

    @Test(
        "a kid that is a path, a query or a command",
        arguments: [
            "../../../dev/null", "/dev/null", "' UNION SELECT 'key' --", "key; rm -rf /", "a\\u0000b",
        ])
    func kidInjection(id: String) throws {
        for secret in [[], [0]] as [[UInt8]] {
            let token = try token(header: #"{"alg":"HS256","kid":"\#(id)"}"#, secret: secret)
            #expect(try refusal(of: token) == .unknownKey)
        }
    }

    @Test("the kid of another key") func kidOfAnotherKey() throws {
        let named = try TokenKey(AsymmetricKey(pem: TestKeys.rsa.publicPEM, .publicKey), id: "rsa")
        let verifier = try verifier(named, TokenKey(secret: TestKeys.secret, id: "secret"))
        let token = try token(header: #"{"alg":"HS256","kid":"rsa"}"#)
        #expect(try refusal(of: token, by: verifier) == .noKeyForAlgorithm)
    }

    @Test("a kid that is no string, or too long") func badKid() throws {
        #expect(try refusal(of: token(header: #"{"alg":"HS256","kid":7}"#)) == .badKeyID)
        let long = String(repeating: "k", count: 256)
        #expect(try refusal(of: token(header: #"{"alg":"HS256","kid":"\#(long)"}"#)) == .badKeyID)
    }

    @Test(
        "a key that the token brings along",
        arguments: [
            #""jwk":{"kty":"oct","k":"AAAA"}"#, #""jku":"https://evil.example/keys""#, #""x5c":["AAAA"]"#,
            #""x5u":"https://evil.example/key""#,
        ])
    func ownKey(member: String) throws {
        let token = try token(header: "{\"alg\":\"HS256\",\(member)}", secret: [0, 0, 0])
        #expect(try refusal(of: token) == .badSignature)
    }

    @Test("crit and b64", arguments: [#""crit":["exp"]"#, #""crit":[]"#, #""b64":false"#, #""b64":true"#])
    func critical(member: String) throws {
        #expect(try refusal(of: token(header: "{\"alg\":\"HS256\",\(member)}")) == .criticalHeader)
    }

    @Test("a token for another purpose", arguments: ["logout+jwt", "dpop+jwt", "secevent+jwt", "JWE", "JWT "])
    func otherType(type: String) throws {
        #expect(try refusal(of: token(header: #"{"alg":"HS256","typ":"\#(type)"}"#)) == .wrongType)
    }

    @Test("a token in a token") func nested() throws {
        #expect(try refusal(of: token(header: #"{"alg":"HS256","cty":"JWT"}"#)) == .wrongType)
        let inner = String(decoding: try token(), as: UTF8.self)
        #expect(try refusal(of: token(inner)) == .badJSON)
        #expect(try refusal(of: token("\"\(inner)\"")) == .badJSON)
    }

    @Test("alg twice") func algTwice() throws {
        for header in [#"{"alg":"none","alg":"HS256"}"#, #"{"alg":"HS256","\u0061lg":"HS256"}"#] {
            #expect(try refusal(of: token(header: header)) == .duplicateMember)
        }
    }
}

@Suite("attacks on a token's form") struct FormAttackTests {
    @Test("a huge token") func huge() throws {
        let filler = String(repeating: "x", count: 8192)
        #expect(try refusal(of: token(#"{"sub":"42","x":"\#(filler)"}"#)) == .tooLong)
    }

    @Test("no signature") func stripped() throws {
        let token = try token()
        let end = try #require(token.lastIndex(of: UInt8(ascii: ".")))
        #expect(try refusal(of: Array(token[...end])) == .malformed)
        #expect(try refusal(of: Array(token[..<end])) == .malformed)
    }

    @Test("not three parts, as an encrypted token", arguments: ["", ".", "..", "...", "a.b.c.d.e", "a.b", ".b.c"])
    func parts(text: String) throws {
        #expect(try refusal(of: Array(text.utf8)) == .malformed)
    }

    @Test("the JSON form of a signature") func jsonForm() throws {
        #expect(try refusal(of: Array(#"{"payload":"e30","protected":"e30","signature":"e30"}"#.utf8)) == .malformed)
    }

    @Test("another spelling of the same token") func malleability() throws {
        let token = String(decoding: try token(), as: UTF8.self)
        for spelling in [token + "=", token + "==", " " + token, token + "\n", token.replacing(".", with: "=.")] {
            #expect(try refusal(of: Array(spelling.utf8)) == .badEncoding)
        }
        // The last digit of 32 bytes has two unused bits.
        let last = try #require(token.utf8.last)
        for digit in "BCDFGHJKLNOPRSTVWXZ012356789".utf8 where digit != last {
            #expect(try refusal(of: Array(token.utf8.dropLast()) + [digit]) != nil)
        }
    }

    @Test("a signature in DER") func der() throws {
        let text = "\(part(#"{"alg":"ES256"}"#)).\(part(#"{"sub":"42"}"#))"
        let der: [UInt8] = [0x30, 6, 2, 1, 1, 2, 1, 1]
        let token = Array("\(text).\(Base64URL.encode(der.rawSpan))".utf8)
        #expect(try refusal(of: token, by: verifier(TokenKey(pem: TestKeys.p256.publicPEM))) == .badSignature)
    }

    @Test("claims of a million brackets, or deeply nested") func deep() throws {
        let depth = 200
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(try refusal(of: token(#"{"sub":"42","info":\#(nested)}"#)) == .badJSON)
    }

    @Test("claims that are no object", arguments: ["[]", "null", "42", "", "{", #"{"sub":"42"} x"#, "\u{FEFF}{}"])
    func noObject(claims: String) throws {
        let refusal = try refusal(of: token(claims))
        #expect(refusal == .badJSON || refusal == .malformed)
    }
}

@Suite("attacks on a token's claims") struct ClaimAttackTests {
    @Test("an expired token, one that is not valid yet, and one from the future") func times() throws {
        #expect(try refusal(of: token(#"{"exp":\#(now)}"#)) == .expired)
        #expect(try refusal(of: token(#"{"exp":\#(now).9}"#)) == .expired)
        #expect(try refusal(of: token(#"{"exp":-1}"#)) == .expired)
        #expect(try refusal(of: token(#"{"exp":\#(now + 1)}"#)) == nil)
        #expect(try refusal(of: token(#"{"nbf":\#(now + 11)}"#)) == .notYetValid)
        #expect(try refusal(of: token(#"{"nbf":\#(now + 10)}"#)) == nil)
        #expect(try refusal(of: token(#"{"nbf":\#(now + 10).1}"#)) == .notYetValid)
        #expect(try refusal(of: token(#"{"iat":\#(now + 11)}"#)) == .issuedInFuture)
        #expect(try refusal(of: token(#"{"iat":\#(now + 10)}"#)) == nil)
    }

    @Test("an expired token that was verified before") func expiredInCache() throws {
        let verifier = try verifier()
        let token = try token(#"{"exp":\#(now + 5)}"#)
        #expect(try refusal(of: token, by: verifier) == nil)
        #expect(try refusal(of: token, by: verifier, at: now + 4) == nil)
        #expect(try refusal(of: token, by: verifier, at: now + 5) == .expired)
        #expect(try refusal(of: token, by: verifier, at: now + 6) == .expired)
    }

    @Test(
        "a time that is no number, or none that can be",
        arguments: [
            #""2100-01-01""#, #""4102444800""#, "true", "null", "[4102444800]", "1e400", "1e300", "-1e12",
        ])
    func strangeTimes(time: String) throws {
        for claim in ["exp", "nbf", "iat"] {
            #expect(try refusal(of: token("{\"\(claim)\":\(time)}")) == .badClaim)
        }
    }

    @Test("no exp, or one too far away, where tokens must end") func maxAge() throws {
        let verifier = try verifier(TokenKey(secret: TestKeys.secret), policy: TokenPolicy(maxAgeSeconds: 60))
        #expect(try refusal(of: token("{}"), by: verifier) == .noExpiry)
        #expect(try refusal(of: token(#"{"exp":\#(now + 60)}"#), by: verifier) == nil)
        #expect(try refusal(of: token(#"{"exp":\#(now + 61)}"#), by: verifier) == .validTooLong)
        #expect(try refusal(of: token(#"{"iat":\#(now - 10),"exp":\#(now + 51)}"#), by: verifier) == .validTooLong)
    }

    @Test("another audience") func audience() throws {
        let verifier = try verifier(TokenKey(secret: TestKeys.secret), policy: TokenPolicy(audience: "pushd"))
        for claims in ["{}", #"{"aud":"other"}"#, #"{"aud":[]}"#, #"{"aud":["a","b"]}"#, #"{"aud":"Pushd"}"#] {
            #expect(try refusal(of: token(claims), by: verifier) == .wrongAudience)
        }
        for claims in [#"{"aud":7}"#, #"{"aud":[7]}"#, #"{"aud":{"pushd":1}}"#] {
            #expect(try refusal(of: token(claims), by: verifier) == .badClaim)
        }
        #expect(try refusal(of: token(#"{"aud":["a","pushd"]}"#), by: verifier) == nil)
        #expect(try refusal(of: token(#"{"aud":"pushd"}"#), by: verifier) == nil)
    }

    @Test("another issuer") func issuer() throws {
        let verifier = try verifier(
            TokenKey(secret: TestKeys.secret), policy: TokenPolicy(issuer: "https://id.example"))
        for claims in ["{}", #"{"iss":"https://id.example/"}"#, #"{"iss":"https://ID.example"}"#, #"{"iss":""}"#] {
            #expect(try refusal(of: token(claims), by: verifier) == .wrongIssuer)
        }
        #expect(try refusal(of: token(#"{"iss":["https://id.example"]}"#), by: verifier) == .badClaim)
        #expect(try refusal(of: token(#"{"iss":"https://id.example"}"#), by: verifier) == nil)
    }

    @Test(
        "a claim twice",
        arguments: [
            #"{"sub":"1","sub":"2"}"#, #"{"sub":"1","\u0073ub":"2"}"#, #"{"exp":1,"sub":"1","exp":4102444800}"#,
            #"{"pushd":{},"pushd":{"subscribe":["*"]}}"#,
        ])
    func twice(claims: String) throws {
        #expect(try refusal(of: token(claims)) == .duplicateMember)
    }

    @Test(
        "a user that breaks lines, is empty or too long",
        arguments: [
            #""a\nb""#, #""a\u0000b""#, #""""#, "7", "null", #"["42"]"#, "\"\(String(repeating: "u", count: 256))\"",
        ])
    func users(user: String) throws {
        #expect(try refusal(of: token("{\"sub\":\(user)}")) == .badClaim)
    }

    @Test(
        "grants and channels of a wrong form",
        arguments: [
            #"{"pushd":{"subscribe":[],"subscribe":["*"]}}"#, #"{"pushd":{"all":["*"]}}"#,
            #"{"pushd":[]}"#, #"{"pushd":"*"}"#, #"{"pushd":{"subscribe":"*"}}"#, #"{"pushd":{"subscribe":[7]}}"#,
            #"{"pushd":{"publish":{"*":true}}}"#, #"{"pushd":{"subscribe":["a\nb"]}}"#, #"{"pushd":{"history":[""]}}"#,
            #"{"channels":"a"}"#, #"{"channels":[""]}"#, #"{"channels":["a\u0007"]}"#, #"{"channels":{}}"#,
        ])
    func badGrants(claims: String) throws {
        #expect(try refusal(of: token(claims)) == .badClaim)
    }
}
