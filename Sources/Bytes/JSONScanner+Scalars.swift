// Values that contain no other values: literals, numbers and strings (RFC 8259 sections 3, 6 and 7).

extension JSONScanner {
    mutating func skipScalar() throws(JSONViolation) {
        switch next {
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try skipLiteral("true")
        case UInt8(ascii: "f"): try skipLiteral("false")
        case UInt8(ascii: "n"): try skipLiteral("null")
        default: try skipNumber()
        }
    }

    private mutating func skipLiteral(_ literal: String) throws(JSONViolation) {
        for byte in literal.utf8 {
            guard take(byte) else { throw violation }
        }
    }

    private mutating func skipNumber() throws(JSONViolation) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try skipDigits() }
        if take(UInt8(ascii: ".")) { try skipDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try skipDigits()
        }
    }

    /// Skips one or more digits.
    private mutating func skipDigits() throws(JSONViolation) {
        let start = offset
        while let byte = next, byte.isDigit {
            advance(by: 1)
        }
        if offset == start { throw violation }
    }

    /// Skips a string and returns the position of its text, without the quotes.
    @discardableResult
    mutating func skipString() throws(JSONViolation) -> Range<Int> {
        guard take(UInt8(ascii: "\"")) else { throw violation }
        let start = offset
        while true {
            advance(by: bytes.endOfPlainJSON(from: offset, stoppingAtNonASCII: true) - offset)
            switch next {
            case UInt8(ascii: "\""):
                advance(by: 1)
                return start..<offset - 1
            case UInt8(ascii: "\\"): try skipEscape()
            case .some(0x80...): try skipNonASCII()
            default: throw violation
            }
        }
    }

    private mutating func skipEscape() throws(JSONViolation) {
        advance(by: 1)
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            advance(by: 1)
        case UInt8(ascii: "u"):
            advance(by: 1)
            for _ in 0..<4 {
                guard let digit = next, digit.hexDigitValue != nil else { throw violation }
                advance(by: 1)
            }
        default: throw violation
        }
    }

    /// Skips a run of characters that are not ASCII.
    private mutating func skipNonASCII() throws(JSONViolation) {
        while let lead = next, lead >= 0x80 {
            let length = bytes.multibyteLength(at: offset)
            guard length > 0 else { throw .malformed(offset: offset) }
            advance(by: length)
        }
    }
}
