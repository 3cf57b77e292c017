import ArgumentParser

/// Finds what is wrong with a configuration, without serving.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration file: find every error, and warn of what is risky.",
        discussion: """
            It reads what serve would read: the file, the variables and serve's options, which it takes as well, and the \
            files that they name. It opens no socket. A line is FILE:LINE:COLUMN, the key, and what is wrong.

            The exit status is 0 if the server would take the configuration, and 64 if not. Warnings do not change it.
            """)

    @Argument(help: ArgumentHelp("The file (default: that of --config).", valueName: "file"))
    var file: String?

    @OptionGroup(visibility: .hidden) var options: ServeOptions

    func run() throws {
        let sources = try Pushd.sources.get()
        guard let path = sources.file?.path else { throw ValidationError("Give the file to check.") }
        let check = Check(options, sources)
        for line in check.errors + check.warnings.map({ "\($0.option): warning: \($0.reason)" }) { print(line) }
        print(
            "\(path): \(CheckCommand.count(check.errors.count, "error")), "
                + CheckCommand.count(check.warnings.count, "warning"))
        guard check.errors.isEmpty else { throw ExitCode.validationFailure }
    }

    private static func count(_ count: Int, _ noun: String) -> String {
        "\(count == 0 ? "no" : "\(count)") \(noun)\(count == 1 ? "" : "s")"
    }
}

/// What is wrong with a configuration, and what is risky in it.
struct Check {
    let errors: [String]
    let warnings: [SettingViolation]

    /// - Parameter options: those that were parsed of the valid values.
    init(_ options: ServeOptions, _ sources: OptionSources) {
        let settings = Settings(checking: options, sources)
        // What needs an option of which a value was refused follows from that.
        let others = settings.violations.filter { violation in
            !sources.refused.contains { Check.names($0, in: violation.reason) }
        }
        let known = sources.violations.filter { $0.position != nil }
        let sorted = known.enumerated().sorted { left, right in
            let (first, second) = (left.element.position, right.element.position)
            guard let first, let second, first != second else { return left.offset < right.offset }
            return first < second
        }
        errors = (sorted.map(\.element) + sources.violations.filter { $0.position == nil } + others).map(\.description)
        warnings = settings.risks(options, sources)
    }

    private static func names(_ option: String, in text: String) -> Bool {
        text.ranges(of: option).contains { range in
            text[range.upperBound...].first.map { !$0.isLetter && $0 != "-" } ?? true
        }
    }
}
