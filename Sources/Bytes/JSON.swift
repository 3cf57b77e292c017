// JSON (RFC 8259) as a push server needs it: is this payload JSON, write this text as a JSON string, and read a small
// command (see JSONObject). No values are built and nothing is allocated to validate.

/// Functions on JSON text (RFC 8259) in UTF-8.
public enum JSON {
    /// Whether `bytes` are exactly one JSON value, whitespace around it allowed.
    ///
    /// Strict: strings must be valid UTF-8 without raw control characters, numbers follow the grammar to the letter, a
    /// byte order mark is refused, and so is nesting of more than 128 containers. A `\u` escape of half a surrogate
    /// pair is grammatical and passes. Linear in time, allocates nothing, may be called on any thread.
    public static func isValid(_ bytes: RawSpan) -> Bool {
        var scanner = JSONScanner(bytes)
        do {
            try scanner.skipValue()
            try scanner.expectEnd()
            return true
        } catch {
            return false
        }
    }

    /// Appends `text` as a JSON string with its quotes.
    ///
    /// `text` must be valid UTF-8: what is not ASCII is copied as it is. Quotes, backslashes and control characters
    /// are escaped (RFC 8259 section 7).
    public static func appendString(_ text: RawSpan, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var runStart = 0
        while true {
            let runEnd = text.endOfPlainJSON(from: runStart, stoppingAtNonASCII: false)
            output.append(text.extracting(runStart..<runEnd))
            guard runEnd < text.byteCount else { break }
            appendEscape(of: text.byte(at: runEnd), to: &output)
            runStart = runEnd + 1
        }
        output.append(UInt8(ascii: "\""))
    }

    /// Appends `text` as a JSON string with its quotes.
    public static func appendString(_ text: String, to output: inout [UInt8]) {
        unsafe appendString(text.utf8.span.bytes, to: &output)
    }

    private static func appendEscape(of byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        default:
            let lowDigit = byte & 0x0F
            output.append(contentsOf: "u00".utf8)
            output.append(UInt8(ascii: "0") + byte >> 4)
            output.append(lowDigit < 10 ? UInt8(ascii: "0") + lowDigit : UInt8(ascii: "a") + lowDigit - 10)
        }
    }
}
