/// Finds a few members of many JSON objects: only positions, so no value is built and nothing is allocated per object.
public struct JSONFields: Sendable {
    private let names: [[UInt8]]
    private var found: [Range<Int>?]

    /// Fields with these names, which must differ from each other.
    public init(_ names: [String]) {
        self.names = names.map { Array($0.utf8) }
        found = Array(repeating: nil, count: names.count)
    }

    /// Reads one object, with optional whitespace around it, as strictly as `JSON.isValid`.
    ///
    /// After an error the positions are meaningless.
    public mutating func find(in object: RawSpan) throws(JSONViolation) {
        for index in found.indices { found[index] = nil }
        var scanner = JSONScanner(object)
        guard try scanner.enterOnlyObject() else { return }
        repeat {
            let (name, value) = try scanner.skipMember()
            if let index = index(of: name, in: object) { found[index] = value }
        } while try scanner.hasNextMember()
    }

    /// Where the raw JSON text of the field with this index is in the last object, including a string's quotes; nil if
    /// it has no such member.
    ///
    /// If there are several, the last one counts, as in JavaScript.
    public func range(of index: Int) -> Range<Int>? { found[index] }

    private func index(of name: Range<Int>, in object: RawSpan) -> Int? {
        let text = object.extracting(name)
        guard text.endOfPlainJSON(from: 0, stoppingAtNonASCII: false) == text.byteCount else {
            let unescaped = object.jsonString(name)
            return names.firstIndex { unescaped.utf8.elementsEqual($0) }
        }
        return names.firstIndex { text.isEqual(to: $0) }
    }
}

extension RawSpan {
    fileprivate func isEqual(to other: [UInt8]) -> Bool {
        guard byteCount == other.count else { return false }
        for index in 0..<byteCount where byte(at: index) != other[index] { return false }
        return true
    }
}
