// The first 2 to 14 bytes of a frame (RFC 6455 section 5.2):
//
//     FIN RSV1-3 opcode | MASK length7 | length 16 or 64 bits, if length7 is 126 or 127 | key, if MASK
//
// This type finds every violation that a header alone shows. ConnectionMachine checks the rules that depend on earlier
// frames, on limits or on the role.

internal import Bytes

/// A decoded frame header.
struct FrameHeader {
    /// Bytes of the payload that have not arrived yet.
    var payloadBytes: Int
    /// The key for the rest of the payload; zero, which changes nothing, in an unmasked frame.
    var maskingKey: MaskingKey
    let opcode: Opcode
    private let flags: Flags

    // In one byte, to keep the machine small.
    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let final = Flags(rawValue: 1)
        static let masked = Flags(rawValue: 2)
        static let compressed = Flags(rawValue: 4)
    }

    /// The header for the rest of the payload, after its first `byteCount` bytes.
    func rest(after byteCount: Int) -> FrameHeader {
        var rest = self
        rest.payloadBytes -= byteCount
        rest.maskingKey = maskingKey.rotated(by: byteCount)
        return rest
    }

    var isFinal: Bool { flags.contains(.final) }
    var isMasked: Bool { flags.contains(.masked) }
    /// Whether the frame begins a compressed message (RFC 7692 section 6).
    var isCompressed: Bool { flags.contains(.compressed) }

    /// Decodes the header at the start of `bytes`; nil if more bytes are needed.
    ///
    /// - Parameter allowsCompression: whether permessage-deflate was agreed on, which gives RSV1 a meaning.
    static func decode(
        _ bytes: RawSpan, allowsCompression: Bool
    ) throws(ProtocolViolation) -> (header: FrameHeader, byteCount: Int)? {
        guard bytes.byteCount >= 2 else { return nil }
        let (first, second) = (bytes.byte(at: 0), bytes.byte(at: 1))
        let isFinal = first & 0x80 != 0
        let shortLength = second & 0x7F
        let opcode = try opcode(of: first, allowsCompression)
        if opcode.isControl {
            guard isFinal else { throw .fragmentedControlFrame }
            guard shortLength <= 125 else { throw .oversizedControlFrame }
        }
        guard let (payloadBytes, keyOffset) = try payloadLength(shortLength, bytes) else { return nil }
        let isMasked = second & 0x80 != 0
        let byteCount = keyOffset + (isMasked ? 4 : 0)
        guard bytes.byteCount >= byteCount else { return nil }
        let octets = isMasked ? unsafe bytes.unsafeLoadUnaligned(fromByteOffset: keyOffset, as: UInt32.self) : 0
        var flags: Flags = first & 0x40 != 0 ? .compressed : []
        if isFinal { flags.insert(.final) }
        if isMasked { flags.insert(.masked) }
        let header = FrameHeader(
            payloadBytes: payloadBytes, maskingKey: MaskingKey(octets: octets), opcode: opcode, flags: flags)
        return (header, byteCount)
    }

    /// The opcode in a frame's first byte; throws if its reserved bits are wrong.
    ///
    /// Only RSV1 can have a meaning, and only on the first frame of a message.
    private static func opcode(of first: UInt8, _ allowsCompression: Bool) throws(ProtocolViolation) -> Opcode {
        let reserved = first & 0x70
        guard reserved == 0 || (reserved == 0x40 && allowsCompression) else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: first & 0x0F) else { throw .reservedOpcode(first & 0x0F) }
        guard reserved == 0 || opcode == .text || opcode == .binary else { throw .reservedBits }
        return opcode
    }

    /// The payload's length and the offset after it; nil if more bytes are needed.
    private static func payloadLength(
        _ shortLength: UInt8, _ bytes: RawSpan
    ) throws(ProtocolViolation) -> (payloadBytes: Int, endOffset: Int)? {
        switch shortLength {
        case 126:
            guard bytes.byteCount >= 4 else { return nil }
            let length = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
            guard length > 125 else { throw .nonMinimalLength }
            return (Int(length), 4)
        case 127:
            guard bytes.byteCount >= 10 else { return nil }
            let length = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt64.self).bigEndian
            guard length > UInt16.max else { throw .nonMinimalLength }
            guard let payloadBytes = Int(exactly: length) else { throw .lengthTopBitSet }
            return (payloadBytes, 10)
        default:
            return (Int(shortLength), 2)
        }
    }
}

/// The bytes of a header that is split between reads.
struct HeaderSpill {
    private var storage = [14 of UInt8](repeating: 0)
    private var count: UInt8 = 0

    var isEmpty: Bool { count == 0 }

    /// Adds `byte` and tries to decode; succeeds at the 14th byte at the latest.
    mutating func append(_ byte: UInt8, allowsCompression: Bool) throws(ProtocolViolation) -> FrameHeader? {
        storage[Int(count)] = byte
        count += 1
        let bytes = unsafe storage.span.bytes.extracting(first: Int(count))
        return try FrameHeader.decode(bytes, allowsCompression: allowsCompression)?.header
    }
}
