// Frames from a client: masked, each with its own key from `MaskingKeys` (RFC 6455 section 5.3).

internal import Bytes

extension FrameEncoder {
    /// Appends a complete, masked frame; a control frame's payload must not exceed `maxControlPayloadBytes`.
    ///
    /// The masking key is the bytes of `key` in memory order.
    public static func appendMaskedFrame(
        _ opcode: Opcode, fin: Bool = true, rsv1: Bool = false, _ payload: RawSpan, key: UInt32,
        to bytes: inout [UInt8]
    ) {
        precondition(
            !opcode.isControl || payload.byteCount <= maxControlPayloadBytes, "a control frame of over 125 bytes")
        let start = bytes.count
        appendHeader(opcode, fin: fin, rsv1: rsv1, payloadBytes: payload.byteCount, to: &bytes)
        bytes[start + 1] |= 0x80
        unsafe withUnsafeBytes(of: key) { unsafe bytes.append(contentsOf: $0) }
        Masking.append(payload, key: MaskingKey(octets: key), to: &bytes)
    }

    /// Appends a masked Close frame; its reason is shortened as in `appendClose`.
    public static func appendMaskedClose(
        _ code: CloseCode, reason: String = "", key: UInt32, to bytes: inout [UInt8]
    ) {
        var frame: [UInt8] = []
        appendClose(code, reason: reason, to: &frame)
        appendMaskedFrame(.close, frame.rawSpan.extracting(2...), key: key, to: &bytes)
    }
}
