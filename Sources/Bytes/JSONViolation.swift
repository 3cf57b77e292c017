/// Why a text is not valid JSON, or not a JSON object.
public enum JSONViolation: Error, Equatable, Sendable {
    /// The text does not begin with `{`.
    case notAnObject
    /// The text ends before its value does.
    case truncated
    /// The byte at `offset` is not allowed there (RFC 8259), or begins an invalid UTF-8 sequence.
    case malformed(offset: Int)
    /// The container that opens at `offset` is nested too deeply.
    case tooDeep(offset: Int)

    /// One sentence for humans, without a full stop.
    public var message: String {
        switch self {
        case .notAnObject: "a JSON object is expected"
        case .truncated: "the JSON text ends too early"
        case .malformed(let offset): "malformed JSON at byte \(offset)"
        case .tooDeep(let offset): "JSON nested more than \(JSONNesting.maxDepth) levels deep at byte \(offset)"
        }
    }
}
