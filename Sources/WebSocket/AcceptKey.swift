internal import Bytes
internal import COpenSSL

/// The Sec-WebSocket-Accept value, which proves that the server read the key (RFC 6455 section 4.2.2).
///
/// It is Base64 of the SHA-1 of the key, as it was sent, and a fixed GUID.
public struct AcceptKey: Sendable {
    private static let guid: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    private var digest = InlineArray<20, UInt8>(repeating: 0)

    /// Computes the answer to `key`.
    public init(for key: RawSpan) {
        let guid = AcceptKey.guid
        var bytes = digest.mutableSpan
        let succeeded = unsafe key.withUnsafeBytes { key in
            unsafe bytes.withUnsafeMutableBufferPointer { digest in
                unsafe copenssl_sha1(
                    key.baseAddress, key.count, guid.utf8Start, guid.utf8CodeUnitCount, digest.baseAddress)
            }
        }
        precondition(succeeded == 1, "libcrypto cannot compute SHA-1")
    }

    /// The value of the header.
    public var text: String {
        var text: [UInt8] = []
        encode(into: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the value of the header.
    func encode(into output: inout [UInt8]) {
        Base64.encode(unsafe digest.span.bytes, to: &output)
    }
}
