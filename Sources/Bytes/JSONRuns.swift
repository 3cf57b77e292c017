// The speed of JSON depends on two questions about the bytes of a string: where a run of plain characters ends (checked
// eight bytes at a time), and how long a UTF-8 sequence is.

extension RawSpan {
    /// The offset of the first byte, from `start` on, that is not plain inside a JSON string; `byteCount` if there is
    /// none.
    ///
    /// Quotes, backslashes and control characters are not plain, and if `stoppingAtNonASCII` is set, neither are
    /// non-ASCII bytes.
    func endOfPlainJSON(from start: Int, stoppingAtNonASCII: Bool) -> Int {
        let refusedHighBits: UInt64 = stoppingAtNonASCII ? 0x8080_8080_8080_8080 : 0
        var offset = start
        while byteCount - offset >= 8 {
            let word = unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let special = word.bytesSpecialInJSON | (word & refusedHighBits)
            if special != 0 { return offset + special.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < byteCount {
            let byte = byte(at: offset)
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            if stoppingAtNonASCII && byte >= 0x80 { break }
            offset += 1
        }
        return offset
    }

    /// The length of the two- to four-byte UTF-8 sequence at `offset`; 0 if it is not well formed (RFC 3629 section 4:
    /// no overlong form, no surrogate, nothing above U+10FFFF).
    func multibyteLength(at offset: Int) -> Int {
        let lead = byte(at: offset)
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if lead == 0xE0 { second = 0xA0...0xBF }
            if lead == 0xED { second = 0x80...0x9F }
        case 0xF0...0xF4:
            length = 4
            if lead == 0xF0 { second = 0x90...0xBF }
            if lead == 0xF4 { second = 0x80...0x8F }
        default: return 0
        }
        guard offset + length <= byteCount, second.contains(byte(at: offset + 1)) else { return 0 }
        for continuation in offset + 2..<offset + length where byte(at: continuation) & 0xC0 != 0x80 {
            return 0
        }
        return length
    }
}

extension UInt64 {
    /// Sets the top bit of every byte that is a quote, a backslash or a control character.
    ///
    /// Only the lowest set bit is reliable: the subtraction's borrow can set bits above it by mistake.
    fileprivate var bytesSpecialInJSON: UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let notQuote = self ^ (ones &* 0x22)
        let notBackslash = self ^ (ones &* 0x5C)
        let quotes = (notQuote &- ones) & ~notQuote
        let backslashes = (notBackslash &- ones) & ~notBackslash
        let controls = (self &- (ones &* 0x20)) & ~self
        return (quotes | backslashes | controls) & (ones &* 0x80)
    }
}
