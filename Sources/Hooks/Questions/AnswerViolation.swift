/// Why a text is not an answer; nothing of it is used then.
public enum AnswerViolation: Error, Equatable, Sendable, CustomStringConvertible {
    /// It is not a JSON object.
    case badJSON(String)
    /// A member has no meaning in this answer; it may be misspelt.
    case unknown(member: String)
    /// A member is there twice.
    case repeated(member: String)
    /// A member has not the form that it must have.
    case malformed(member: String, expected: String)

    /// The reason in words, for the log.
    public var description: String {
        switch self {
        case .badJSON(let reason): "the answer is no JSON object: \(reason)"
        case .unknown(let member): "the answer has a member '\(member)', which has no meaning here"
        case .repeated(let member): "the answer has the member '\(member)' twice"
        case .malformed(let member, let expected): "the answer's '\(member)' is not \(expected)"
        }
    }
}
