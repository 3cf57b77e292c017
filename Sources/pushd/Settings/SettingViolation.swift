/// An invalid value of an option.
struct SettingViolation: Error, CustomStringConvertible {
    /// The option as the user wrote it: `--workers`, or PUSHD_WORKERS if it was read from the environment.
    let option: String
    let violation: ValueViolation

    init(option: String, _ violation: ValueViolation) {
        (self.option, self.violation) = (option, violation)
    }

    init(option: String, value: String, expected: String, remedy: String? = nil) {
        self.init(option: option, ValueViolation(value: value, expected: expected, remedy: remedy))
    }

    var description: String { "\(option): \(violation)" }
}
