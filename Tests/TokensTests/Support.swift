import Access
import Bytes
import Testing

@testable import Tokens

/// The time of these tests, in seconds since 1970.
let now = 1_800_000_000

/// The coded form of a part of a token.
func part(_ text: String) -> String { Base64URL.encode(Array(text.utf8).rawSpan) }

/// A token with these claims, as JSON.
func token(_ claims: String = #"{"sub":"42"}"#, _ signer: TokenSigner? = nil) throws -> [UInt8] {
    let signer = try signer ?? TokenSigner(secret: TestKeys.secret)
    return Array(try #require(signer.token(claims: Array(claims.utf8))).utf8)
}

/// A token with this header, signed with HS256 whatever the header says.
func token(header: String, _ claims: String = #"{"sub":"42"}"#, secret: [UInt8] = TestKeys.secret) throws -> [UInt8] {
    let text = "\(part(header)).\(part(claims))"
    let code = try #require(TokenKey.code(of: Array(text.utf8)[...], secret, .hs256))
    return Array("\(text).\(Base64URL.encode(code.rawSpan))".utf8)
}

func verifier(_ keys: TokenKey..., policy: TokenPolicy = TokenPolicy()) throws -> TokenVerifier {
    let keys = keys.isEmpty ? [try TokenKey(secret: TestKeys.secret)] : keys
    return TokenVerifier(keys: try TokenKeys(keys), policy: policy)
}

/// Why a token is refused; nil if it is not.
func refusal(of token: [UInt8], by verifier: TokenVerifier? = nil, at time: Int = now) throws -> TokenViolation? {
    let verifier = try verifier ?? Tests.verifier
    do throws(TokenViolation) {
        _ = try verifier.verify(token, at: time)
        return nil
    } catch {
        return error
    }
}

enum Tests {
    static var verifier: TokenVerifier {
        get throws { TokenVerifier(keys: try TokenKeys([TokenKey(secret: TestKeys.secret)]), policy: TokenPolicy()) }
    }
}
