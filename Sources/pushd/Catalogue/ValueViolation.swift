/// A text that is not a valid value of an option.
struct ValueViolation: Error, CustomStringConvertible {
    /// The text, or a replacement if it is secret.
    let value: String
    let expected: String
    /// What to write instead, if known.
    var remedy: String?

    var description: String { "'\(value)' is not \(expected)" + (remedy.map { "; \($0)" } ?? "") }
}
