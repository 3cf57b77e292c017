import Access
import Testing

@testable import Tokens

@Suite("signatures of tokens") struct SignatureTests {
    private static let pairs: [(TokenAlgorithm, TestKeys.Pair)] = [
        (.rs256, TestKeys.rsa), (.rs384, TestKeys.rsa), (.rs512, TestKeys.rsa),
        (.ps256, TestKeys.rsa), (.ps384, TestKeys.rsa), (.ps512, TestKeys.rsa),
        (.es256, TestKeys.p256), (.es384, TestKeys.p384), (.es512, TestKeys.p521),
        (.edDSA, TestKeys.ed25519), (.edDSA, TestKeys.ed448),
    ]

    @Test("are accepted from the right key, and from no other", arguments: pairs)
    func asymmetric(algorithm: TokenAlgorithm, pair: TestKeys.Pair) throws {
        let token = try token(#"{"sub":"42"}"#, TokenSigner(pem: pair.privatePEM, algorithm: algorithm))
        let identity = try verifier(TokenKey(pem: pair.publicPEM)).verify(token, at: now)
        #expect(identity.user == "42")
        let other = TestKeys.Pair(
            algorithm.keyType == .rsa ? "RSA" : "EC", bits: algorithm.keyType == .rsa ? 2048 : nil,
            curve: algorithm.keyType == .rsa ? nil : "P-256")
        #expect(try refusal(of: token, by: verifier(TokenKey(pem: other.publicPEM))) != nil)
    }

    @Test("with a secret", arguments: [TokenAlgorithm.hs256, .hs384, .hs512])
    func secret(algorithm: TokenAlgorithm) throws {
        let token = try token(#"{"sub":"42"}"#, TokenSigner(secret: TestKeys.secret, algorithm: algorithm))
        #expect(try verifier().verify(token, at: now).user == "42")
        let other = try verifier(TokenKey(secret: Array(TestKeys.secret.reversed())))
        #expect(try refusal(of: token, by: other) == .badSignature)
    }

    @Test("of every changed bit are refused", arguments: [TestKeys.p256, TestKeys.ed25519])
    func changed(pair: TestKeys.Pair) throws {
        let token = try token(#"{"sub":"42"}"#, TokenSigner(pem: pair.privatePEM))
        let verifier = try verifier(TokenKey(pem: pair.publicPEM))
        for index in token.indices {
            var changed = token
            changed[index] ^= 1
            #expect(try refusal(of: changed, by: verifier) != nil, "byte \(index)")
            #expect(try refusal(of: Array(token[..<index]), by: verifier) != nil, "the first \(index) bytes")
        }
    }

    @Test("of zeros are refused, which a broken check of ECDSA accepts") func zeros() throws {
        let text = "\(part(#"{"alg":"ES256"}"#)).\(part(#"{"sub":"42"}"#))"
        let zeros = String(repeating: "A", count: 86)
        let verifier = try verifier(TokenKey(pem: TestKeys.p256.publicPEM))
        #expect(try refusal(of: Array("\(text).\(zeros)".utf8), by: verifier) == .badSignature)
    }

    @Test("two keys are live at the same time") func twoKeys() throws {
        let second = Array("another secret, also long enough for each of the three".utf8)
        let verifier = try verifier(TokenKey(secret: TestKeys.secret), TokenKey(secret: second))
        #expect(try refusal(of: token(), by: verifier) == nil)
        #expect(try refusal(of: token(#"{"sub":"42"}"#, TokenSigner(secret: second)), by: verifier) == nil)
    }
}
