/// Base64 with the alphabet for URLs and without padding (RFC 4648 section 5, RFC 7515 section 2).
public enum Base64URL {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// The text that encodes `bytes`.
    public static func encode(_ bytes: RawSpan) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.byteCount * 4 + 2) / 3)
        var (group, bits): (UInt32, UInt32) = (0, 0)
        for offset in 0..<bytes.byteCount {
            group = group << 8 | UInt32(bytes.byte(at: offset))
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(digit(group >> bits))
            }
        }
        if bits > 0 { text.append(digit(group << (6 - bits))) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that `text` encodes; nil if it is not Base64 of this kind.
    ///
    /// Each sequence of bytes has exactly one text: padding, white space and unused bits that are not zero are refused.
    public static func decode(_ text: RawSpan) -> [UInt8]? {
        guard text.byteCount % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.byteCount * 3 / 4)
        var (group, bits): (UInt32, UInt32) = (0, 0)
        for offset in 0..<text.byteCount {
            guard let value = value(of: text.byte(at: offset)) else { return nil }
            group = group << 6 | value
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: group >> bits))
        }
        return group & (1 << bits - 1) == 0 ? bytes : nil
    }

    /// The digit for the lowest six bits.
    private static func digit(_ group: UInt32) -> UInt8 {
        unsafe alphabet.utf8Start[Int(group & 0x3F)]
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
