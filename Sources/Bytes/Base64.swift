/// Base64 with the standard alphabet and padding (RFC 4648 section 4).
public enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let padding = UInt8(ascii: "=")

    /// Appends `bytes` as Base64 text.
    public static func encode(_ bytes: RawSpan, to text: inout [UInt8]) {
        text.append(addingCapacity: (bytes.byteCount + 2) / 3 * 4) { text in
            var offset = 0
            while bytes.byteCount - offset >= 3 {
                let group =
                    UInt32(bytes.byte(at: offset)) << 16 | UInt32(bytes.byte(at: offset + 1)) << 8
                    | UInt32(bytes.byte(at: offset + 2))
                append(group, digits: 4, to: &text)
                offset += 3
            }
            let rest = bytes.byteCount - offset
            guard rest > 0 else { return }
            let second = rest == 2 ? UInt32(bytes.byte(at: offset + 1)) << 8 : 0
            append(UInt32(bytes.byte(at: offset)) << 16 | second, digits: rest + 1, to: &text)
            text.append(repeating: padding, count: 3 - rest)
        }
    }

    /// Appends the first digits of a group of 24 bits.
    @inline(__always)
    private static func append(_ group: UInt32, digits: Int, to text: inout OutputSpan<UInt8>) {
        for index in 0..<digits {
            text.append(unsafe alphabet.utf8Start[Int(group &>> UInt32(18 - 6 * index) & 0x3F)])
        }
    }

    /// The number of bytes that `text` encodes; nil if it is not Base64.
    ///
    /// Accepted are groups of four digits, padded at the end of the text only. The unused bits of the last digit may
    /// have any value (RFC 4648 section 3.5): some WebSocket clients make their key from 22 random digits.
    public static func decodedByteCount(_ text: RawSpan) -> Int? {
        guard text.byteCount % 4 == 0 else { return nil }
        var digitCount = text.byteCount
        while digitCount > 0, text.byteCount - digitCount < 2, text.byte(at: digitCount - 1) == padding {
            digitCount -= 1
        }
        for offset in 0..<digitCount where !isDigit(text.byte(at: offset)) { return nil }
        return text.byteCount / 4 * 3 - (text.byteCount - digitCount)
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
