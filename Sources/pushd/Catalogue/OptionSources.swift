/// The sources of a command's options: its command line, or else the variables in its environment, or else a file.
///
/// A value of a variable or of the file is inserted as an argument before the others, so that it is parsed exactly like
/// one on the command line.
struct OptionSources: Sendable {
    /// Where the values of an option are from.
    enum Source: Sendable {
        case commandLine
        case variable(String)
        case file(ConfigurationFile.Entry)
    }

    /// The values that an option is given.
    struct Given: Sendable {
        var texts: [String]
        let source: Source
    }

    /// The arguments of the process, with the subcommand.
    let commandLine: [String]
    /// The arguments for ArgumentParser: the subcommand, the options from elsewhere, then the command line's.
    let arguments: [String]
    let environment: [String: String]
    /// The configuration file; nil if none is named.
    let file: ConfigurationFile?
    /// What is wrong with the file and the variables; only for a check, which goes on without the wrong values.
    let violations: [SettingViolation]
    /// By option; those that are not in it have their default.
    private let given: [String: Given]
    /// The options of which a value was refused.
    let refused: Set<String>

    /// Adds what variables and the file say to the arguments of the process.
    init(_ arguments: [String], environment: [String: String]) throws(SettingViolation) {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case "bench": try self.init("bench", BenchOptions.catalogue, rest, environment)
        case "help", "token", "version": try self.init(arguments[0], OptionCatalogue(), rest, environment)
        case "check": try self.init("check", ServeOptions.catalogue, rest, environment, isCheck: true)
        case "serve", "config": try self.init(arguments[0], ServeOptions.catalogue, rest, environment)
        default: try self.init("serve", ServeOptions.catalogue, arguments, environment)
        }
    }

    private init(
        _ subcommand: String, _ catalogue: OptionCatalogue, _ arguments: [String], _ environment: [String: String],
        isCheck: Bool = false
    ) throws(SettingViolation) {
        commandLine = [subcommand] + arguments
        self.environment = environment
        // Help needs no values, and a bad one must not hide it.
        let asksForHelp = arguments.contains { ["--help", "-h"].contains($0) }
        let entries = asksForHelp ? [] : catalogue.entries
        let (written, others) = catalogue.options(in: arguments)
        var given = written.mapValues { Given(texts: $0, source: .commandLine) }
        given.merge(OptionSources.variables(entries, environment)) { written, _ in written }
        file = asksForHelp ? nil : try OptionSources.file(isCheck ? others.first : nil, given, catalogue)
        given.merge(OptionSources.values(of: file)) { other, _ in other }
        self.given = given
        if let violation = file?.violations.first, !isCheck { throw violation }
        var reader = ValueReader(file)
        let values = entries.compactMap { entry in
            given[entry.option].flatMap { $0.isOnCommandLine ? nil : (entry, $0) }
        }
        // Nearly always all of them are right, and it takes a while to ask about each.
        let all = values.flatMap { entry, value in value.texts.flatMap { entry.arguments($0) } }
        let asksAboutEach = isCheck && !OptionValue.areValid(all)
        for (entry, value) in values {
            reader.read(value, entry, asksAboutEach: asksAboutEach)
            if let violation = reader.violations.first, !isCheck { throw violation }
        }
        self.arguments = [subcommand] + reader.arguments + arguments
        violations = reader.violations
        refused = reader.refused
    }

    /// The values of an option and where they are from; nil for its default.
    subscript(option: String) -> Given? { given[option] }

    /// Whether the command line gives an option.
    func isArgument(_ option: String) -> Bool { given[option]?.isOnCommandLine == true }

    /// The file that a check names, or else `--config`.
    private static func file(
        _ argument: String?, _ given: [String: Given], _ catalogue: OptionCatalogue
    ) throws(SettingViolation) -> ConfigurationFile? {
        let option = ConfigurationFile.option
        guard catalogue.entries.contains(where: { $0.option == option }),
            let path = argument ?? given[option]?.texts.last
        else { return nil }
        do throws(ValueViolation) {
            return try ConfigurationFile(path, catalogue)
        } catch {
            var name = argument == nil ? option : "the file"
            if argument == nil, case .variable(let variable)? = given[option]?.source { name = variable }
            throw SettingViolation(option: name, error)
        }
    }

    private static func variables(
        _ entries: [OptionCatalogue.Entry], _ environment: [String: String]
    ) -> [String: Given] {
        var given: [String: Given] = [:]
        for entry in entries {
            // An empty variable counts as not given.
            guard let text = environment[entry.variable], !text.isEmpty else { continue }
            let texts = entry.form == .values ? text.split(separator: ",").map(String.init) : [text]
            given[entry.option] = Given(texts: texts, source: .variable(entry.variable))
        }
        return given
    }

    private static func values(of file: ConfigurationFile?) -> [String: Given] {
        (file?.entries ?? [:]).mapValues { Given(texts: $0.values.map(\.text), source: .file($0)) }
    }
}

/// Makes arguments of the values of variables and of the file.
private struct ValueReader {
    private let file: ConfigurationFile?
    private(set) var arguments: [String] = []
    private(set) var violations: [SettingViolation]
    /// The options of which a value was left out, because it is none.
    private(set) var refused: Set<String>

    init(_ file: ConfigurationFile?) {
        self.file = file
        (violations, refused) = (file?.violations ?? [], file?.refused ?? [])
    }

    /// - Parameter asksAboutEach: whether values are looked at that are not flags; ArgumentParser refuses them anyway.
    mutating func read(_ given: OptionSources.Given, _ entry: OptionCatalogue.Entry, asksAboutEach: Bool) {
        for (item, text) in given.texts.enumerated() {
            let isAskedAbout = asksAboutEach || entry.form == .nothing
            guard isAskedAbout, let reason = OptionValue.violation(of: text, for: entry) else {
                arguments += entry.arguments(text)
                continue
            }
            violations.append(
                SettingViolation(
                    option: OptionSources.name(of: entry.option, given, file, item: item), reason: reason,
                    position: given.value(item)?.position))
            refused.insert(entry.option)
        }
    }
}

extension OptionSources.Given {
    var isOnCommandLine: Bool { if case .commandLine = source { true } else { false } }

    /// A value in the file; nil if the option is not given there.
    func value(_ item: Int) -> ConfigurationFile.Value? {
        if case .file(let entry) = source { entry.values[item] } else { nil }
    }
}

// MARK: - Names

extension OptionSources {
    /// The name that the user gave an option: its variable's, or its place in the file, if it was read from there.
    ///
    /// - Parameter item: which of the option's values is meant.
    func name(of option: String, item: Int? = nil) -> String {
        OptionSources.name(of: option, given[option], file, item: item)
    }

    /// The name of an option one of whose values is not valid.
    ///
    /// - Parameter violation: what is wrong with the value that is meant.
    func name(of option: String, violation: String) -> String {
        OptionSources.name(of: option, given[option], file) {
            OptionValue.violation(of: $0.text, for: option) == violation
        }
    }

    /// The place of a field of a channel rule in the file, or else the option's name.
    func name(ofField field: String, ofRule item: Int) -> String {
        guard let file, case .file(let entry)? = given[ConfigurationFile.ruleOption]?.source,
            let position = entry.values[item].fields[field]
        else { return name(of: ConfigurationFile.ruleOption, item: item) }
        return "\(file.path):\(position): \(entry.key).\(field)"
    }

    fileprivate static func name(
        of option: String, _ given: Given?, _ file: ConfigurationFile?, item: Int? = nil,
        where isMeant: (ConfigurationFile.Value) -> Bool = { _ in true }
    ) -> String {
        switch given?.source {
        case .commandLine, nil: return option
        case .variable(let name): return name
        case .file(let entry):
            let value = item.map { entry.values[$0] } ?? entry.values.first(where: isMeant) ?? entry.values.first
            return "\(file?.path ?? ""):\(value?.position ?? entry.position): \(entry.key)"
        }
    }
}
