internal import Bytes

/// Access to header fields by name.
///
/// Names and tokens are given in lower case and compared ignoring case.
extension RequestHead {
    /// The value of the first field called `name`, without white space around it.
    ///
    /// Bytes that are not UTF-8 become U+FFFD.
    public func value(of name: StaticString) -> String? {
        var index = 0
        return next(name, &index).map(string)
    }

    /// The values of all fields called `name`, in order, without white space around them.
    public func values(of name: StaticString) -> [String] {
        var values: [String] = []
        var index = 0
        while let value = next(name, &index) { values.append(string(value)) }
        return values
    }

    /// The values of all fields called `name` (in lower case), with commas between them; nil if there is none.
    public func joinedValues(of name: String) -> String? {
        let values = fields.filter { string($0.name.bounds).lowercased() == name }
        return values.isEmpty ? nil : values.map { string($0.value.bounds) }.joined(separator: ", ")
    }

    /// Lends the value of the first field called `name`; nil if there is none.
    public func withValue<Result>(of name: StaticString, _ body: (RawSpan) -> Result) -> Result? {
        var index = 0
        guard let value = next(name, &index) else { return nil }
        return body(bytes.rawSpan.extracting(value))
    }

    /// How many fields are called `name`.
    public func count(of name: StaticString) -> Int {
        var (index, count) = (0, 0)
        while next(name, &index) != nil { count += 1 }
        return count
    }

    /// Whether there is a field with one of these names.
    public func hasField(of names: [StaticString]) -> Bool {
        let head = bytes.rawSpan
        for field in fields {
            for name in names where field.name.count == name.utf8CodeUnitCount {
                if head.matchesIgnoringCase(field.name.bounds, name) { return true }
            }
        }
        return false
    }

    /// Whether there is exactly one field called `name` and its value is exactly `value`, including case.
    public func hasOnly(_ value: StaticString, in name: StaticString) -> Bool {
        var index = 0
        guard let found = next(name, &index), bytes.rawSpan.matches(found, value) else { return false }
        return next(name, &index) == nil
    }

    /// Whether the value of the first field called `name` begins with `prefix` (given in lower case), ignoring case.
    public func hasValue(beginningWith prefix: StaticString, in name: StaticString) -> Bool {
        var index = 0
        guard let value = next(name, &index), value.count >= prefix.utf8CodeUnitCount else { return false }
        return bytes.rawSpan.matchesIgnoringCase(
            value.lowerBound..<value.lowerBound + prefix.utf8CodeUnitCount, prefix)
    }

    /// Whether the comma-separated lists in the fields called `name` have the element `token`.
    public func hasToken(_ token: StaticString, in name: StaticString) -> Bool {
        let head = bytes.rawSpan
        var index = 0
        while var rest = next(name, &index) {
            // Nearly always the token is the whole list.
            if head.matchesIgnoringCase(rest, token) { return true }
            while let element = head.nextElement(&rest) {
                if head.matchesIgnoringCase(element, token) { return true }
            }
        }
        return false
    }

    /// The elements of the comma-separated lists in all fields called `name`, in order, without surrounding white
    /// space.
    ///
    /// Empty elements are left out (RFC 9110 5.6.1.2). A comma inside a quoted string does not separate elements.
    public func listValues(of name: StaticString) -> [String] {
        let head = bytes.rawSpan
        var elements: [String] = []
        var index = 0
        while var rest = next(name, &index) {
            while let element = head.nextElement(&rest) { elements.append(string(element)) }
        }
        return elements
    }

    /// The value of the next field called `name` from `index` on; `index` moves past that field.
    private func next(_ name: StaticString, _ index: inout Int) -> Range<Int>? {
        let head = bytes.rawSpan
        while index < fields.count {
            let field = fields[index]
            index += 1
            guard field.name.count == name.utf8CodeUnitCount else { continue }
            if head.matchesIgnoringCase(field.name.bounds, name) { return field.value.bounds }
        }
        return nil
    }
}

extension RawSpan {
    /// Removes the first element that is not empty from the front of a comma-separated list; nil at its end.
    fileprivate func nextElement(_ list: inout Range<Int>) -> Range<Int>? {
        while !list.isEmpty {
            let end = endOfElement(list)
            let element = trimmed(list.lowerBound..<end)
            list = min(end + 1, list.upperBound)..<list.upperBound
            if !element.isEmpty { return element }
        }
        return nil
    }

    /// The offset of the first comma outside of a quoted string (RFC 9110 5.6.4), or the list's end.
    private func endOfElement(_ list: Range<Int>) -> Int {
        var isQuoted = false
        var offset = list.lowerBound
        while offset < list.upperBound {
            switch byte(at: offset) {
            case ASCII.comma where !isQuoted: return offset
            case ASCII.quote: isQuoted.toggle()
            case ASCII.backslash where isQuoted: offset += 1
            default: break
            }
            offset += 1
        }
        return list.upperBound
    }
}
