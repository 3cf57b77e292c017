/// The sources of a command's options: its command line, or else the variables in its environment.
///
/// A variable is inserted as an argument before the others, so that its value is parsed exactly like one on the command
/// line.
struct OptionSources {
    /// The arguments for ArgumentParser: the subcommand, the options from variables, then the command line's.
    let arguments: [String]
    let environment: [String: String]
    /// The options of the command line.
    private let given: Set<String>
    /// The variable of each option that is read from one.
    private let variables: [String: String]

    /// Adds what variables say to the arguments of the process.
    init(_ arguments: [String], environment: [String: String]) throws(SettingViolation) {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case "bench": try self.init("bench", BenchOptions.catalogue, rest, environment)
        case "help", "token", "version": try self.init(arguments[0], OptionCatalogue(), rest, environment)
        case "serve": try self.init("serve", ServeOptions.catalogue, rest, environment)
        default: try self.init("serve", ServeOptions.catalogue, arguments, environment)
        }
    }

    private init(
        _ subcommand: String, _ catalogue: OptionCatalogue, _ arguments: [String], _ environment: [String: String]
    ) throws(SettingViolation) {
        given = catalogue.options(in: arguments)
        var added: [String] = []
        var variables: [String: String] = [:]
        // Help needs no values, and a bad one must not hide it.
        let entries = arguments.contains { ["--help", "-h"].contains($0) } ? [] : catalogue.entries
        for entry in entries where !given.contains(entry.option) {
            // An empty variable counts as not given.
            guard let text = environment[entry.variable], !text.isEmpty else { continue }
            variables[entry.option] = entry.variable
            switch entry.form {
            case .nothing: if try OptionSources.isOn(text, entry.variable) { added.append(entry.option) }
            case .value: added.append("\(entry.option)=\(text)")
            case .values: added += text.split(separator: ",").map { "\(entry.option)=\($0)" }
            }
        }
        self.arguments = [subcommand] + added + arguments
        self.environment = environment
        self.variables = variables
    }

    /// The name that the user gave an option: its variable's, if it was read from there.
    func name(of option: String) -> String { variables[option] ?? option }

    /// Whether the command line gives an option.
    func isArgument(_ option: String) -> Bool { given.contains(option) }

    private static func isOn(_ text: String, _ variable: String) throws(SettingViolation) -> Bool {
        switch text.lowercased() {
        case "1", "true", "yes", "on": return true
        case "0", "false", "no", "off": return false
        default: throw SettingViolation(option: variable, value: text, expected: "true or false")
        }
    }
}
