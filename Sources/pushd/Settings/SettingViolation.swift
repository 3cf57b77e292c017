import YAML

/// An invalid value of an option.
struct SettingViolation: Error, CustomStringConvertible {
    /// The option as the user wrote it: `--workers`, or PUSHD_WORKERS if it was read from the environment, or
    /// `pushd.yaml:3:10: workers`.
    var option: String
    /// What is wrong.
    let reason: String
    /// Where it is in the configuration file, as far as known.
    let position: YAMLPosition?

    init(option: String, reason: String, position: YAMLPosition? = nil) {
        (self.option, self.reason, self.position) = (option, reason, position)
    }

    init(option: String, _ violation: ValueViolation) {
        self.init(option: option, reason: violation.description)
    }

    init(option: String, value: String, expected: String, remedy: String? = nil) {
        self.init(option: option, ValueViolation(value: value, expected: expected, remedy: remedy))
    }

    var description: String { "\(option): \(reason)" }
}
