/// A text that is not a value of an option.
struct ValueViolation: Error, CustomStringConvertible {
    /// The text, or what is shown in its place if it is secret.
    let value: String
    let expected: String
    /// What to write instead, if that can be told.
    var remedy: String?

    var description: String { "'\(value)' is not \(expected)" + (remedy.map { "; \($0)" } ?? "") }
}
