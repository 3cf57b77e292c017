// The grammar of RFC 8259, one method per rule. A method is called at the first byte of what it skips and leaves the
// cursor after the last one. Nesting is tracked without recursion, so a hostile text can exhaust neither the stack nor
// the heap.

/// A cursor that checks JSON text as it moves over it.
struct JSONScanner: ~Escapable {
    let bytes: RawSpan
    private(set) var offset = 0
    private var nesting = JSONNesting()

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    /// The byte at the cursor; nil at the end.
    var next: UInt8? {
        offset < bytes.byteCount ? bytes.byte(at: offset) : nil
    }

    /// The error to throw when a rule does not accept the byte at the cursor.
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

    /// Skips whitespace and then one value of any kind.
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

    /// Skips whitespace and the `{` of an object that must be the whole text; returns false after an empty object.
    mutating func enterOnlyObject() throws(JSONViolation) -> Bool {
        skipWhitespace()
        guard next == UInt8(ascii: "{") else { throw .notAnObject }
        if try enterObject() { return true }
        try expectEnd()
        return false
    }

    /// Skips one member and returns the positions of its name, without the quotes, and of its value.
    mutating func skipMember() throws(JSONViolation) -> (name: Range<Int>, value: Range<Int>) {
        let name = try skipName()
        skipWhitespace()
        let start = offset
        try skipValue()
        return (name, start..<offset)
    }

    /// Skips what follows a member of the only object: a comma, or the end, and then returns false.
    mutating func hasNextMember() throws(JSONViolation) -> Bool {
        skipWhitespace()
        if take(UInt8(ascii: ",")) { return true }
        guard take(UInt8(ascii: "}")) else { throw violation }
        try expectEnd()
        return false
    }

    /// Skips `{`; if the object is empty, skips `}` too and returns false.
    mutating func enterObject() throws(JSONViolation) -> Bool {
        try enter(.object, closing: UInt8(ascii: "}"))
    }

    /// Skips `[`; if the array is empty, skips `]` too and returns false.
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

    /// After a value: skips the closing brackets that follow it, or the separator and name before the next value.
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

    /// Skips `"name" :` and returns the position of the name, without the quotes.
    @discardableResult
    mutating func skipName() throws(JSONViolation) -> Range<Int> {
        skipWhitespace()
        let name = try skipString()
        skipWhitespace()
        guard take(UInt8(ascii: ":")) else { throw violation }
        return name
    }
}
