/// Why a text was not accepted as JSON, or not as a JSON object.
public enum JSONViolation: Error, Equatable, Sendable {
    /// The text does not begin with `{`.
    case notAnObject
    /// The text ends before its value does.
    case truncated
    /// The byte at `offset` cannot stand there (RFC 8259), or begins bytes that are not UTF-8.
    case malformed(offset: Int)
    /// The container that opens at `offset` is nested too deeply.
    case tooDeep(offset: Int)

    /// One sentence for people, without a full stop.
    public var message: String {
        switch self {
        case .notAnObject: "a JSON object is expected"
        case .truncated: "the JSON text ends too early"
        case .malformed(let offset): "malformed JSON at byte \(offset)"
        case .tooDeep(let offset): "JSON nested more than \(JSONNesting.maxDepth) levels deep at byte \(offset)"
        }
    }
}
