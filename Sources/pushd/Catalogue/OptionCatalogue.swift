import ArgumentParser

/// The options that a command declares, found by reflection as ArgumentParser finds them.
struct OptionCatalogue: Sendable {
    /// The kind of value that an option takes.
    enum Form: Sendable {
        case nothing, value, values
    }

    /// An option of the catalogue.
    struct Entry: Sendable {
        /// As in `--max-publish`.
        let option: String
        let form: Form

        var variable: String { VariableNames.variable(of: option) }
        /// As in a configuration file.
        var key: String { String(option.dropFirst(2)) }

        /// The arguments that give it a value; none for a flag that is off.
        func arguments(_ text: String) -> [String] {
            guard form != .nothing else { return OptionValue.flag(text) == true ? [option] : [] }
            return text.isEmpty ? [option, text] : ["\(option)=\(text)"]
        }
    }

    private(set) var entries: [Entry] = []

    /// An empty one.
    init() {}

    /// - Parameter only: the options that are part of the catalogue; nil for all.
    init(of options: any ParsableArguments, only: Set<String>? = nil) {
        entries = OptionCatalogue.entries(of: options).filter { only?.contains($0.option) ?? true }
    }

    private static func entries(of options: any ParsableArguments) -> [Entry] {
        Mirror(reflecting: options).children.flatMap { label, declaration in
            if let group = declaration as? any DeclaredGroup { return entries(of: type(of: group).options) }
            guard let label, let declaration = declaration as? any DeclaredOption else { return [] }
            return [Entry(option: option(ofProperty: label), form: type(of: declaration).form)]
        }
    }

    /// `_maxPublish` is `--max-publish`.
    private static func option(ofProperty label: String) -> String {
        "--" + label.drop { $0 == "_" }.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
    }

    /// The options that a command line gives, with their values, and its other arguments.
    func options(in arguments: [String]) -> (given: [String: [String]], others: [String]) {
        var given: [String: [String]] = [:]
        var others: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst(), argument != "--" {
            let option = argument.prefix { $0 != "=" }
            guard let entry = entries.first(where: { $0.option == option }) else {
                if !argument.hasPrefix("-") { others.append(argument) }
                continue
            }
            var value = "true"
            if entry.form != .nothing {
                value = option == argument ? rest.popFirst() ?? "" : String(argument.dropFirst(option.count + 1))
            }
            given[entry.option, default: []].append(value)
        }
        return (given, others)
    }
}

/// What a property declares as `@OptionGroup`.
private protocol DeclaredGroup {
    static var options: any ParsableArguments { get }
}

extension OptionGroup: DeclaredGroup {
    fileprivate static var options: any ParsableArguments { Value() }
}

/// What a property declares as `@Option` or `@Flag`.
private protocol DeclaredOption {
    static var form: OptionCatalogue.Form { get }
}

extension Option: DeclaredOption {
    fileprivate static var form: OptionCatalogue.Form { Value.self is any RepeatedValue.Type ? .values : .value }
}

extension Flag: DeclaredOption {
    fileprivate static var form: OptionCatalogue.Form { .nothing }
}

/// What a repeatable option has.
private protocol RepeatedValue {}

extension Array: RepeatedValue {}
