// The text of a JSON string. This code expects bytes that JSONScanner has already accepted.

extension RawSpan {
    /// The text of the JSON string whose contents (without the quotes) are at `range`.
    func jsonString(_ range: Range<Int>) -> String {
        let contents = extracting(range)
        var runEnd = contents.endOfPlainJSON(from: 0, stoppingAtNonASCII: false)
        guard runEnd < contents.byteCount else { return contents.utf8String }
        var text: [UInt8] = []
        text.reserveCapacity(contents.byteCount)
        var runStart = 0
        while true {
            text.append(contents.extracting(runStart..<runEnd))
            guard runEnd < contents.byteCount else { return text.rawSpan.utf8String }
            runStart = contents.appendUnescaped(at: runEnd, to: &text)
            runEnd = contents.endOfPlainJSON(from: runStart, stoppingAtNonASCII: false)
        }
    }

    private var utf8String: String {
        unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Appends the character that the escape at `offset` stands for and returns the offset after the escape.
    private func appendUnescaped(at offset: Int, to text: inout [UInt8]) -> Int {
        let letter = byte(at: offset + 1)
        switch letter {
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "u"): return appendCodePoint(at: offset, to: &text)
        default: text.append(letter)
        }
        return offset + 2
    }

    /// Appends the character of the `\uXXXX` (or surrogate pair) at `offset` and returns the offset after it.
    ///
    /// RFC 8259 section 7 writes characters above U+FFFF as a surrogate pair; a lone surrogate becomes U+FFFD.
    private func appendCodePoint(at offset: Int, to text: inout [UInt8]) -> Int {
        var codePoint = UInt32(codeUnit(at: offset))
        var end = offset + 6
        if codePoint & 0xFC00 == 0xD800, let trail = trailSurrogate(at: end) {
            codePoint = 0x10000 + (codePoint & 0x3FF) << 10 + UInt32(trail & 0x3FF)
            end += 6
        }
        let scalar = Unicode.Scalar(codePoint) ?? "\u{FFFD}"
        text.append(contentsOf: String(scalar).utf8)
        return end
    }

    private func trailSurrogate(at offset: Int) -> UInt16? {
        guard offset + 6 <= byteCount, byte(at: offset) == UInt8(ascii: "\\"), byte(at: offset + 1) == UInt8(ascii: "u")
        else { return nil }
        let unit = codeUnit(at: offset)
        return UTF16.isTrailSurrogate(unit) ? unit : nil
    }

    /// The UTF-16 code unit that the `\uXXXX` at `offset` encodes.
    private func codeUnit(at offset: Int) -> UInt16 {
        var unit: UInt16 = 0
        for digit in offset + 2..<offset + 6 {
            unit = unit << 4 | UInt16(byte(at: digit).hexDigitValue ?? 0)
        }
        return unit
    }
}
