// The grammar of RFC 8259, one method per rule. A method is called at the first byte of what it skips and leaves the
// cursor behind the last. Containers are not recursed into: a hostile text can neither exhaust the stack nor the heap.

/// A cursor that checks JSON text as it moves over it.
struct JSONScanner: ~Escapable {
    let bytes: RawSpan
    private(set) var offset = 0
    private var nesting = JSONNesting()

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    /// The byte at the cursor, nil at the end.
    var next: UInt8? {
        offset < bytes.byteCount ? bytes.byte(at: offset) : nil
    }

    /// What is wrong at the cursor, for a rule that does not accept the byte there.
    var violation: JSONViolation {
        offset < bytes.byteCount ? .malformed(offset: offset) : .truncated
    }

    mutating func advance(by count: Int) {
        offset += count
    }

    mutating func skipWhitespace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            offset += 1
        }
    }

    /// Skips `byte` if it is at the cursor.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    mutating func expectEnd() throws(JSONViolation) {
        skipWhitespace()
        if next != nil { throw violation }
    }

    /// Skips one value of any kind, whitespace before it included.
    mutating func skipValue() throws(JSONViolation) {
        let outerDepth = nesting.depth
        repeat {
            skipWhitespace()
            switch next {
            case UInt8(ascii: "{"):
                if try enterObject() {
                    try skipName()
                    continue
                }
            case UInt8(ascii: "["):
                if try enterArray() { continue }
            default:
                try skipScalar()
            }
            try finishValue(outerDepth: outerDepth)
        } while nesting.depth > outerDepth
    }

    /// Skips `{`, and `}` too if nothing is between them: then the answer is false.
    mutating func enterObject() throws(JSONViolation) -> Bool {
        try enter(.object, closing: UInt8(ascii: "}"))
    }

    /// Skips `[`, and `]` too if nothing is between them: then the answer is false.
    mutating func enterArray() throws(JSONViolation) -> Bool {
        try enter(.array, closing: UInt8(ascii: "]"))
    }

    private mutating func enter(_ container: JSONNesting.Container, closing: UInt8) throws(JSONViolation) -> Bool {
        guard nesting.enter(container) else { throw .tooDeep(offset: offset) }
        offset += 1
        skipWhitespace()
        guard take(closing) else { return true }
        nesting.leave()
        return false
    }

    /// Behind a value: skips the ends of the containers that end with it, or the way to their next value.
    private mutating func finishValue(outerDepth: Int) throws(JSONViolation) {
        while nesting.depth > outerDepth {
            skipWhitespace()
            if take(UInt8(ascii: ",")) {
                if nesting.isInObject { try skipName() }
                return
            }
            guard take(nesting.isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw violation }
            nesting.leave()
        }
    }

    /// Skips `"name" :` and returns where the name's text between the quotes is.
    @discardableResult
    mutating func skipName() throws(JSONViolation) -> Range<Int> {
        skipWhitespace()
        let name = try skipString()
        skipWhitespace()
        guard take(UInt8(ascii: ":")) else { throw violation }
        return name
    }
}
