import Access
import Bytes
import Channels
import FuzzSupport

@testable import Tokens

private let secret = [UInt8](repeating: 7, count: 64)
private let now = 1_800_000_000

/// Tokens: the input as a whole token, as the claims of a signed one, and as a key set.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    let input = unsafe FuzzInput(data, byteCount)
    let bytes = input.bytes
    guard let keys = try? TokenKeys([TokenKey(secret: secret)]), let signer = try? TokenSigner(secret: secret) else {
        return 0
    }
    let verifier = TokenVerifier(keys: keys, policy: TokenPolicy())
    expect((try? verifier.verify(bytes, at: now)) == nil, "a token without a signature")
    if let token = signer.token(claims: bytes), let identity = try? verifier.verify(Array(token.utf8), at: now) {
        expect(JSON.isValid(bytes.rawSpan), "claims that are no JSON")
        expect(ChannelName.isValid(identity.user), "a bad user")
        expect(identity.channels.allSatisfy { ChannelName.isValid($0) }, "a bad channel")
        expect(identity.expiresAt.map { $0 > now } ?? true, "an expired token")
        expect(identity.info.map { JSON.isValid($0.rawSpan) } ?? true, "info that is no JSON")
    }
    checkEncoding(bytes)
    for isPublic in [false, true] {
        guard let keys = try? TokenKeys(jwks: bytes, isPublic: isPublic) else { continue }
        expect(keys.keys.allSatisfy { !$0.algorithms.isEmpty }, "a key for no algorithm")
        expect(!isPublic || !keys.keys.contains(where: \.isSecret), "a public secret")
    }
    return 0
}

/// What decodes has only one spelling.
private func checkEncoding(_ bytes: [UInt8]) {
    expectEqual(Base64URL.decode(Array(Base64URL.encode(bytes.rawSpan).utf8).rawSpan), bytes, "Base64 and back")
    guard let decoded = Base64URL.decode(bytes.rawSpan) else { return }
    expectEqual(Array(Base64URL.encode(decoded.rawSpan).utf8), bytes, "another spelling")
}
