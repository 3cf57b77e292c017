// Validates UTF-8 (RFC 3629, table 3-7 of the Unicode standard) as it arrives. A WebSocket text message may be split
// anywhere, also inside a character, and a bad byte must fail the connection when it arrives, not at the end of the
// message. The state kept between two pieces is three bytes: how many continuation bytes are missing, and the range
// allowed for the next one. The range of the first continuation byte is enough to exclude overlong forms, surrogates
// and everything above U+10FFFF.

/// An incremental UTF-8 validator that stops at the first invalid byte.
public struct UTF8Validator: Sendable {
    private var missingBytes: UInt8 = 0
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    /// A validator at the start of a text.
    public init() {}

    /// Whether the bytes so far end with a complete character; a valid text ends at such a point.
    public var isAtBoundary: Bool { missingBytes == 0 }

    /// Whether `bytes` are a complete, valid text.
    public static func isValid(_ bytes: RawSpan) -> Bool {
        var validator = UTF8Validator()
        return validator.consume(bytes) && validator.isAtBoundary
    }

    /// Checks the next piece of the text.
    ///
    /// Returns false as soon as no continuation can make the text valid, and from then on.
    public mutating func consume(_ bytes: RawSpan) -> Bool {
        // A local copy stays in registers, which is twice as fast when self is part of a larger value.
        var validator = self
        validator.scan(bytes)
        self = validator
        return lowest <= highest
    }

    private mutating func scan(_ bytes: RawSpan) {
        var offset = 0
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte < 0x80, missingBytes == 0 {
                offset = Self.endOfASCII(in: bytes, from: offset + 1)
            } else if missingBytes == 0 ? begin(byte) : proceed(byte) {
                offset += 1
            } else {
                // An empty range: no byte is accepted from here on.
                (missingBytes, lowest, highest) = (1, 0xFF, 0x00)
                return
            }
        }
    }

    /// Reads the lead byte of a sequence of two to four bytes.
    private mutating func begin(_ lead: UInt8) -> Bool {
        switch lead {
        case 0xC2...0xDF: (missingBytes, lowest, highest) = (1, 0x80, 0xBF)
        case 0xE0: (missingBytes, lowest, highest) = (2, 0xA0, 0xBF)  // below: overlong
        case 0xED: (missingBytes, lowest, highest) = (2, 0x80, 0x9F)  // above: surrogates
        case 0xE1...0xEF: (missingBytes, lowest, highest) = (2, 0x80, 0xBF)
        case 0xF0: (missingBytes, lowest, highest) = (3, 0x90, 0xBF)  // below: overlong
        case 0xF1...0xF3: (missingBytes, lowest, highest) = (3, 0x80, 0xBF)
        case 0xF4: (missingBytes, lowest, highest) = (3, 0x80, 0x8F)  // above: beyond U+10FFFF
        default: return false
        }
        return true
    }

    /// Reads a continuation byte.
    private mutating func proceed(_ byte: UInt8) -> Bool {
        guard byte >= lowest, byte <= highest else { return false }
        (missingBytes, lowest, highest) = (missingBytes - 1, 0x80, 0xBF)
        return true
    }

    /// The offset of the first non-ASCII byte from `start` on, or the end; checks eight bytes at a time.
    private static func endOfASCII(in bytes: RawSpan, from start: Int) -> Int {
        var offset = start
        while offset + 8 <= bytes.byteCount {
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let highBits = UInt64(littleEndian: word) & 0x8080_8080_8080_8080
            guard highBits == 0 else { return offset + highBits.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < bytes.byteCount, bytes.byte(at: offset) < 0x80 { offset += 1 }
        return offset
    }
}
