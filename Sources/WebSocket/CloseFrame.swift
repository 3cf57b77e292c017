internal import Bytes

/// The payload of a Close frame (RFC 6455 section 5.5.1).
public struct CloseFrame: Equatable, Sendable {
    /// Why the peer closes; a code that is allowed on the wire.
    public let code: CloseCode
    /// For logs; at most 123 bytes, and untrusted if it comes from the peer.
    public let reason: String

    /// Makes a payload.
    public init(code: CloseCode, reason: String) {
        self.code = code
        self.reason = reason
    }

    /// Decodes a payload: empty, or a code and an optional reason.
    static func decode(_ payload: RawSpan) throws(ProtocolViolation) -> CloseFrame? {
        guard payload.byteCount > 0 else { return nil }
        guard payload.byteCount >= 2 else { throw .truncatedCloseCode }
        let code = UInt16(payload.byte(at: 0)) << 8 | UInt16(payload.byte(at: 1))
        guard CloseCode.isAllowedOnWire(code) else { throw .invalidCloseCode(code) }
        let reason = payload.extracting(2...)
        guard UTF8Validator.isValid(reason) else { throw .invalidCloseReason }
        let text = unsafe reason.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        return CloseFrame(code: CloseCode(rawValue: code), reason: text)
    }
}
