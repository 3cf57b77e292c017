// UTF-8 (RFC 3629, table 3-7 of the Unicode standard) checked while it arrives. A WebSocket text message may be cut
// anywhere, also inside a character, and a peer must learn about a bad byte when it comes, not when the message ends.
// So the state between two pieces is kept, and it is three bytes: how many continuation bytes the sequence still
// needs and which values the next one may have. The range of the first continuation byte alone excludes overlong
// forms, surrogates and everything above U+10FFFF.

/// An incremental UTF-8 validator: feed it pieces, it stops at the first impossible byte.
public struct UTF8Validator: Sendable {
    private var missingBytes: UInt8 = 0
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    /// A validator at the start of a text.
    public init() {}

    /// Whether the bytes so far end with a whole character; the end of a text is valid only there.
    public var isAtBoundary: Bool { missingBytes == 0 }

    /// Whether `bytes` are one whole valid text.
    public static func isValid(_ bytes: RawSpan) -> Bool {
        var validator = UTF8Validator()
        return validator.consume(bytes) && validator.isAtBoundary
    }

    /// Takes the next piece of the text.
    ///
    /// Returns false as soon as no continuation could make the text valid; it then stays false.
    public mutating func consume(_ bytes: RawSpan) -> Bool {
        // On a copy, which stays in registers: twice as fast when self is a part of something larger.
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
                // An empty range: no byte leaves this state.
                (missingBytes, lowest, highest) = (1, 0xFF, 0x00)
                return
            }
        }
    }

    /// Takes the lead byte of a sequence of two to four bytes.
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

    /// Takes a continuation byte.
    private mutating func proceed(_ byte: UInt8) -> Bool {
        guard byte >= lowest, byte <= highest else { return false }
        (missingBytes, lowest, highest) = (missingBytes - 1, 0x80, 0xBF)
        return true
    }

    /// The offset of the first byte at or after `start` that is not ASCII, else the end; eight bytes a step.
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
