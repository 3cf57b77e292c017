import Bytes
import Testing

@testable import Tokens

@Suite("keys for tokens") struct KeyTests {
    private func violation(_ read: () throws(TokenKeyViolation) -> Void) -> TokenKeyViolation? {
        do throws(TokenKeyViolation) {
            try read()
            return nil
        } catch {
            return error
        }
    }

    private func keys(_ text: String, isPublic: Bool = false) throws(TokenKeyViolation) -> TokenKeys {
        try TokenKeys(jwks: Array(text.utf8), isPublic: isPublic)
    }

    @Test("a secret needs 32 bytes, and as many as the hash has") func secrets() throws {
        #expect(
            violation { () throws(TokenKeyViolation) in
                _ = try TokenKey(secret: Array(repeating: 7, count: 31))
            } == .shortSecret(bytes: 31))
        #expect(try TokenKey(secret: Array(repeating: 7, count: 32)).algorithms == [.hs256])
        #expect(try TokenKey(secret: Array(repeating: 7, count: 48)).algorithms == [.hs256, .hs384])
        #expect(try TokenKey(secret: Array(repeating: 7, count: 64)).algorithms == [.hs256, .hs384, .hs512])
    }

    @Test("the algorithms follow from the key") func algorithms() throws {
        #expect(
            try TokenKey(pem: TestKeys.rsa.publicPEM).algorithms == [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512])
        #expect(try TokenKey(pem: TestKeys.p384.publicPEM).algorithms == [.es384])
        #expect(try TokenKey(pem: TestKeys.ed448.publicPEM).algorithms == [.edDSA])
    }

    @Test("a set has at most 64, those that cannot be used included") func tooManyKeys() {
        let future = Array(repeating: #"{"kty":"future"}"#, count: 64)
        let cases = [(future, TokenKeyViolation.noKeys), (future + ["{}"], .tooManyKeys)]
        for (members, expected) in cases {
            let text = #"{"keys":[\#(members.joined(separator: ","))]}"#
            #expect(violation { () throws(TokenKeyViolation) in _ = try keys(text, isPublic: true) } == expected)
        }
    }

    @Test("PEM that cannot be used is refused by name") func pem() {
        let cases: [([UInt8], TokenKeyViolation)] = [
            (TestKeys.weakRSA.publicPEM, .rsaSize(bits: 1024)),
            (TestKeys.rsa.privatePEM, .privateKey),
            (TestKeys.bitcoin.publicPEM, .unsupportedType),
            (TestKeys.rsa.publicPEM + TestKeys.p256.publicPEM, .severalBlocks),
            (Array("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".utf8), .unreadable),
            (Array("hello".utf8), .unknownFormat), ([], .unknownFormat),
        ]
        for (text, expected) in cases {
            #expect(violation { () throws(TokenKeyViolation) in _ = try TokenKeys(file: text) } == expected)
        }
    }

    @Test("a JSON Web Key is read with the example of RFC 7515 A.3") func exampleOfTheStandard() throws {
        let keys = try keys(
            """
            {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
            """)
        let text =
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc"
            + "19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        let verifier = TokenVerifier(keys: keys, policy: TokenPolicy(issuer: "joe"))
        #expect(try refusal(of: Array(text.utf8), by: verifier, at: 1_300_819_379) == nil)
        #expect(try refusal(of: Array(text.utf8), by: verifier, at: 1_300_819_380) == .expired)
    }

    @Test("members of a JSON Web Key are checked") func members() {
        let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
        let cases: [(String, TokenKeyViolation)] = [
            (#"{"kty":"EC","crv":"P-256","x":"\#(x)"}"#, .badMember("y")),
            (#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#, .badMember("x")),
            // Not on the curve.
            (#"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(x)"}"#, .unreadable),
            (#"{"kty":"EC","crv":"secp256k1","x":"\#(x)","y":"\#(x)"}"#, .unsupportedType),
            (#"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(x)","d":"AA"}"#, .privateKey),
            (#"{"kty":"oct","k":"c2hvcnQ"}"#, .shortSecret(bytes: 5)),
            (#"{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=","alg":"HS256"}"#, .badMember("k")),
            (#"{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE","alg":"RS256"}"#, .badMember("alg")),
            (#"{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE","alg":"none"}"#, .badMember("alg")),
            (#"{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE","kid":7}"#, .badMember("kid")),
            (#"{"kty":"RSA","n":"AQAB","e":"AQ"}"#, .badMember("e")),
            (#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, .rsaSize(bits: 17)),
            (#"{"kty":"XYZ"}"#, .unsupportedType), (#"{"kty":"EC","kty":"oct"}"#, .unknownFormat),
            (#"{"keys":[]}"#, .noKeys), (#"{"keys":[1]}"#, .unknownFormat), (#"{"keys":{}}"#, .unknownFormat),
            (#"{"keys":[{"kty":"oct","use":"enc"}]}"#, .noKeys), ("[]", .unknownFormat),
        ]
        for (text, expected) in cases {
            #expect(violation { () throws(TokenKeyViolation) in _ = try keys(text) } == expected, "\(text)")
        }
    }

    @Test("a public set leaves out secrets and keys that cannot be used") func publicSet() throws {
        let good = """
            {"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
            """
        let secret = #"{"kty":"oct","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}"#
        let set = try keys(#"{"keys":[\#(secret),{"kty":"new"},\#(good)]}"#, isPublic: true)
        #expect(set.keys.map(\.id) == ["a"])
        #expect(
            violation { () throws(TokenKeyViolation) in
                _ = try keys(#"{"keys":[\#(secret)]}"#, isPublic: true)
            } == .noKeys)
    }

    @Test("an error names no part of the key") func errors() {
        let secret = "c2hvcnQ"
        let error = violation { () throws(TokenKeyViolation) in _ = try keys(#"{"kty":"oct","k":"\#(secret)"}"#) }
        #expect(error?.description.contains(secret) == false && error?.description.contains("short") == false)
    }
}
