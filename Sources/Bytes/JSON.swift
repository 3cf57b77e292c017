// The parts of JSON (RFC 8259) that a push server needs: validate a payload, write a text as a JSON string, and read a
// small command (see JSONObject). Validation builds no values and allocates nothing.

/// Functions on JSON text (RFC 8259) in UTF-8.
public enum JSON {
    /// Whether `bytes` are exactly one JSON value, with optional whitespace around it.
    ///
    /// Strict: strings must be valid UTF-8 without raw control characters, numbers must follow the grammar exactly, and
    /// a byte order mark or more than 128 nested containers are refused. An escaped lone surrogate (`\ud800`) passes
    /// because the grammar allows it. Takes linear time, allocates nothing, and may be called on any thread.
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
    /// `text` must be valid UTF-8; non-ASCII characters are copied unchanged. Quotes, backslashes and control
    /// characters are escaped (RFC 8259 section 7).
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
