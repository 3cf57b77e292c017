internal import COpenSSL

/// Signs what is sent to the backend, so that it can tell that it comes from pushd, and when.
///
/// `X-Pushd-Signature: t=1764446400,v1=HEX`, where HEX is the HMAC-SHA256 of `t.BODY` with the shared secret.
public struct HookSigner: Equatable, Sendable {
    static let header = "X-Pushd-Signature"

    private let secret: [UInt8]

    /// A signer with a secret, which must not be empty.
    public init(secret: [UInt8]) {
        self.secret = secret
    }

    /// The header for a body that is sent now, in seconds of Unix time.
    func header(for body: [UInt8], at seconds: Int) -> (name: String, value: String) {
        (HookSigner.header, "t=\(seconds),v1=\(HookSigner.hexadecimal(code(Array("\(seconds).".utf8) + body)))")
    }

    private func code(_ message: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        let result = unsafe HMAC(EVP_sha256(), secret, Int32(secret.count), message, message.count, &code, nil)
        precondition(unsafe result != nil, "libcrypto cannot compute an HMAC")
        return code
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digit($0 >> 4), digit($0 & 15)] }, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
