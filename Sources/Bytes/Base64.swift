/// Base64 with the standard alphabet and padding (RFC 4648 section 4).
public enum Base64 {
    private static let padding = UInt8(ascii: "=")

    /// Appends `bytes` as Base64 text.
    public static func encode(_ bytes: RawSpan, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + (bytes.byteCount + 2) / 3 * 4)
        var offset = 0
        while offset < bytes.byteCount {
            let count = min(3, bytes.byteCount - offset)
            var group: UInt32 = 0
            for index in 0..<count {
                group |= UInt32(bytes.byte(at: offset + index)) << UInt32(16 - 8 * index)
            }
            for index in 0..<4 {
                let digit = UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * index)) & 0x3F
                text.append(index <= count ? character(of: digit) : padding)
            }
            offset += count
        }
    }

    /// How many bytes `text` stands for, or nil if it is not Base64: whole groups of four, padding only at the end and all
    /// of it, nothing else in between.
    ///
    /// The last digit's unused bits may be anything (RFC 4648 section 3.5): there are WebSocket clients that draw their key
    /// as 22 random digits.
    public static func decodedByteCount(_ text: RawSpan) -> Int? {
        guard text.byteCount % 4 == 0 else { return nil }
        var digitCount = text.byteCount
        while digitCount > 0, text.byteCount - digitCount < 2, text.byte(at: digitCount - 1) == padding {
            digitCount -= 1
        }
        for offset in 0..<digitCount where !isDigit(text.byte(at: offset)) { return nil }
        return text.byteCount / 4 * 3 - (text.byteCount - digitCount)
    }

    private static func character(of digit: UInt8) -> UInt8 {
        switch digit {
        case 0..<26: UInt8(ascii: "A") + digit
        case 26..<52: UInt8(ascii: "a") + (digit - 26)
        case 52..<62: UInt8(ascii: "0") + (digit - 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    private static func isDigit(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default:
            false
        }
    }
}
