internal import Bytes
internal import COpenSSL

extension Handshake {
    private static let guid = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)

    /// The Sec-WebSocket-Accept value that proves that `key` was read (RFC 6455 section 4.2.2): Base64 of SHA-1 of the
    /// key, as it was sent, and a fixed GUID.
    public static func acceptKey(for key: String) -> String {
        var text = Array(key.utf8)
        text.append(contentsOf: guid)
        var digest = [UInt8](repeating: 0, count: 20)
        let succeeded = unsafe copenssl_sha1(text, text.count, &digest)
        precondition(succeeded == 1, "libcrypto cannot compute SHA-1")
        var accept: [UInt8] = []
        Base64.encode(digest.rawSpan, to: &accept)
        return String(decoding: accept, as: UTF8.self)
    }
}
