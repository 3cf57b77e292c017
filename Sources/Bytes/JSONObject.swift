// Client commands are small objects with a few members, and most members are looked up once. Searching a list is then
// faster than building a dictionary.

/// The members of a JSON object, for commands such as `{"action":"subscribe","channel":"c","id":7}`.
///
/// Strings are decoded. Numbers, arrays and objects stay raw text, given as byte offsets into the parsed bytes.
public struct JSONObject: Sendable {
    /// A member's value.
    public enum Value: Equatable, Sendable {
        /// A string without its escapes; an escaped lone surrogate becomes U+FFFD.
        case string(String)
        /// `true` or `false`.
        case bool(Bool)
        /// `null`.
        case null
        /// A number: the byte offsets of its text.
        case number(Range<Int>)
        /// An array or object: the byte offsets of its text.
        case container(Range<Int>)
    }

    private struct Member {
        let name: String
        let value: Value
        let range: Range<Int>
    }

    private var members: [Member] = []

    /// Reads one object, with optional whitespace around it, as strictly as `JSON.isValid`.
    public init(parsing bytes: RawSpan) throws(JSONViolation) {
        var scanner = JSONScanner(bytes)
        guard try scanner.enterOnlyObject() else { return }
        repeat {
            members.append(try Self.member(&scanner))
        } while try scanner.hasNextMember()
    }

    /// The members' names in order; a name that is repeated is there as often.
    public var names: [String] { members.map(\.name) }

    /// The value of the member called `name`; if there are several, the last one counts, as in JavaScript.
    public subscript(name: String) -> Value? {
        member(named: name)?.value
    }

    /// Whether two members have the same name, so that other readers may see another value than this one.
    public var hasDuplicates: Bool {
        var names: Set<ByteName> = []
        return !members.allSatisfy { names.insert(ByteName($0.name)).inserted }
    }

    /// The position of a member's raw JSON text, including a string's quotes, so that it can be passed on unchanged.
    public func rawRange(of name: String) -> Range<Int>? {
        member(named: name)?.range
    }

    /// Compares names by their bytes: a Swift `String` treats two spellings of "é" as equal.
    private func member(named name: String) -> Member? {
        members.last { $0.name.utf8.elementsEqual(name.utf8) }
    }

    private static func member(_ scanner: inout JSONScanner) throws(JSONViolation) -> Member {
        let (name, range) = try scanner.skipMember()
        return Member(name: scanner.bytes.jsonString(name), value: value(range, in: scanner.bytes), range: range)
    }

    private static func value(_ range: Range<Int>, in bytes: RawSpan) -> Value {
        switch bytes.byte(at: range.lowerBound) {
        case UInt8(ascii: "\""): .string(bytes.jsonString(range.lowerBound + 1..<range.upperBound - 1))
        case UInt8(ascii: "t"): .bool(true)
        case UInt8(ascii: "f"): .bool(false)
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "{"), UInt8(ascii: "["): .container(range)
        default: .number(range)
        }
    }
}
