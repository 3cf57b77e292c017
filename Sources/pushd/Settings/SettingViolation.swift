/// A value that an option cannot have.
struct SettingViolation: Error, CustomStringConvertible {
    /// The option as the user wrote it: `--workers`, or PUSHD_WORKERS if it was read from the environment.
    let option: String
    let value: String
    let expected: String
    /// What to write instead, where that can be told.
    var remedy: String?

    var description: String { "\(option): '\(value)' is not \(expected)" + (remedy.map { "; \($0)" } ?? "") }
}
