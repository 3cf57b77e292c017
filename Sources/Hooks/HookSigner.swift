internal import Access

/// Signs what is sent to the backend, so that it can tell that it comes from pushd, and when.
///
/// `X-Pushd-Signature: t=1764446400,v1=HEX`, where HEX is the HMAC-SHA256 of `t.BODY` with the shared secret.
public struct HookSigner: Equatable, Sendable {
    static let header = "X-Pushd-Signature"

    private let signer: TextSigner

    /// A signer with a secret, which must not be empty.
    public init(secret: [UInt8]) {
        signer = TextSigner(secret: secret)
    }

    /// The header for a body that is sent now, in seconds of Unix time.
    func header(for body: [UInt8], at seconds: Int) -> (name: String, value: String) {
        (HookSigner.header, "t=\(seconds),v1=\(signer.signature(of: Array("\(seconds).".utf8) + body))")
    }
}
