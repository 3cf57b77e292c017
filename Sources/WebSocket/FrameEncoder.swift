// Frames from a server: unmasked (RFC 6455 section 5.1) and never fragmented. They are appended to a buffer that the
// caller owns, so that many frames form one contiguous batch and one write.

internal import Bytes

/// Encodes frames.
public enum FrameEncoder {
    /// The longest payload of a control frame (RFC 6455 section 5.5).
    public static let maxControlPayloadBytes = 125

    /// The length of the header for a payload of that length: 2, 4 or 10 bytes.
    public static func headerByteCount(forPayload payloadBytes: Int) -> Int {
        switch payloadBytes {
        case ...125: 2
        case ...0xFFFF: 4
        default: 10
        }
    }

    /// Appends a frame header; the caller appends the `payloadBytes` bytes that the header announces.
    ///
    /// `rsv1` marks a compressed message (RFC 7692 section 6).
    public static func appendHeader(
        _ opcode: Opcode, fin: Bool = true, rsv1: Bool = false, payloadBytes: Int, to bytes: inout [UInt8]
    ) {
        bytes.append(addingCapacity: 10) { output in
            output.append((fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode.rawValue)
            let extendedBytes = headerByteCount(forPayload: payloadBytes) - 2
            output.append(extendedBytes == 0 ? UInt8(payloadBytes) : extendedBytes == 2 ? 126 : 127)
            for index in 0..<extendedBytes {
                output.append(UInt8(truncatingIfNeeded: payloadBytes >> (8 * (extendedBytes - 1 - index))))
            }
        }
    }

    /// Appends a complete frame; a control frame's payload must not exceed `maxControlPayloadBytes`.
    public static func appendFrame(_ opcode: Opcode, rsv1: Bool = false, _ payload: RawSpan, to bytes: inout [UInt8]) {
        precondition(
            !opcode.isControl || payload.byteCount <= maxControlPayloadBytes, "a control frame of over 125 bytes")
        appendHeader(opcode, rsv1: rsv1, payloadBytes: payload.byteCount, to: &bytes)
        bytes.append(payload)
    }

    /// Appends a Close frame; its reason is shortened to 123 bytes at a character boundary.
    public static func appendClose(_ code: CloseCode, reason: String = "", to bytes: inout [UInt8]) {
        precondition(CloseCode.isAllowedOnWire(code.rawValue), "a close code that must not be sent")
        let text = reason.utf8
        let room = maxControlPayloadBytes - 2
        var end = text.index(text.startIndex, offsetBy: room, limitedBy: text.endIndex) ?? text.endIndex
        while end < text.endIndex, text[end] & 0xC0 == 0x80 { end = text.index(before: end) }
        let prefix = text[..<end]
        appendHeader(.close, payloadBytes: 2 + prefix.count, to: &bytes)
        bytes.append(UInt8(code.rawValue >> 8))
        bytes.append(UInt8(truncatingIfNeeded: code.rawValue))
        bytes.append(contentsOf: prefix)
    }
}
