internal import Bytes

/// Why a query string could not be decoded.
public enum QueryViolation: Error, Equatable, Sendable {
    /// A `%` that is not followed by two hexadecimal digits.
    case badPercentEscape
    /// A name or value that is not UTF-8 once decoded.
    case badUTF8
}

extension RequestHead {
    /// The values of the query parameters called `name`, in order; a parameter without `=` has the value "".
    ///
    /// The format is `application/x-www-form-urlencoded`: `&` separates parameters, `+` is a space, names are compared
    /// after decoding and case-sensitively. All names are decoded, but only the matching values.
    public func queryValues(of name: StaticString) throws(QueryViolation) -> [String] {
        guard var rest = line.query else { return [] }
        var values: [String] = []
        while let parameter = nextParameter(&rest) {
            if try isName(parameter.name, name) { values.append(try decoded(parameter.value)) }
        }
        return values
    }

    /// The first parameter, decoded, whose name is not one of `known`; nil if there is none.
    public func queryName(besides known: [StaticString]) throws(QueryViolation) -> String? {
        guard var rest = line.query else { return nil }
        while let name = nextParameter(&rest)?.name {
            if !name.isEmpty, try !isName(name, oneOf: known) { return try decoded(name) }
        }
        return nil
    }

    /// Removes the first parameter and the `&` after it from the front; nil at the end.
    private func nextParameter(_ rest: inout Range<Int>) -> (name: Range<Int>, value: Range<Int>)? {
        guard !rest.isEmpty else { return nil }
        let head = bytes.rawSpan
        let end = head.firstOffset(of: ASCII.ampersand, in: rest) ?? rest.upperBound
        let nameEnd = head.firstOffset(of: ASCII.equals, in: rest.lowerBound..<end) ?? end
        defer { rest = min(end + 1, rest.upperBound)..<rest.upperBound }
        return (rest.lowerBound..<nameEnd, min(nameEnd + 1, end)..<end)
    }

    private func isName(_ range: Range<Int>, oneOf names: [StaticString]) throws(QueryViolation) -> Bool {
        for name in names where try isName(range, name) { return true }
        return false
    }

    private func isName(_ range: Range<Int>, _ name: StaticString) throws(QueryViolation) -> Bool {
        if bytes.rawSpan.matches(range, name) { return true }
        guard hasEscapes(range) else { return false }
        return try decoded(range) == "\(name)"
    }

    private func hasEscapes(_ range: Range<Int>) -> Bool {
        let head = bytes.rawSpan
        for offset in range {
            let byte = head.byte(at: offset)
            if byte == ASCII.percent || byte == ASCII.plus { return true }
        }
        return false
    }

    private func decoded(_ range: Range<Int>) throws(QueryViolation) -> String {
        // A target is ASCII, so without escapes there is nothing to validate.
        guard hasEscapes(range) else { return string(range) }
        guard let unescaped = PercentEncoding.decode(bytes[range], plusIsSpace: true) else { throw .badPercentEscape }
        guard let text = String(validating: unescaped, as: UTF8.self) else { throw .badUTF8 }
        return text
    }
}
