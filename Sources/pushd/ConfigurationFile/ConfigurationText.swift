import Access
import Channels
import YAML

/// A configuration as a file, with where each value comes from; secrets are hidden.
struct ConfigurationText {
    private let sources: OptionSources

    init(_ sources: OptionSources) {
        self.sources = sources
    }

    /// The text of the file; the options that have their default are comments.
    ///
    /// - Parameter defaults: the defaults in words, by option.
    func text(_ entries: [OptionCatalogue.Entry], defaults: [String: String]) -> String {
        let given = entries.flatMap { entry in sources[entry.option].map { lines(entry, $0) } ?? [] }
        let others = entries.filter { sources[$0.option] == nil }.map { entry in
            "# \(entry.key): \(defaults[entry.option] ?? (entry.form == .nothing ? "false" : "none"))"
        }
        // A file without keys is refused.
        let isEmpty = given.allSatisfy { $0.hasPrefix("#") }
        return (given + (isEmpty ? ["{}"] : []) + ["", "# Defaults:"] + others).map { "\($0)\n" }.joined()
    }

    private func lines(_ entry: OptionCatalogue.Entry, _ given: OptionSources.Given) -> [String] {
        let origin = "  # \(origin(given))"
        // A file cannot name another, so this one says in words which it was.
        if entry.option == ConfigurationFile.option { return ["# read from \(given.texts.last ?? "")\(origin)"] }
        if entry.option == ConfigurationFile.ruleOption {
            return ["\(ConfigurationFile.rulesKey):\(origin)"] + given.texts.flatMap(ConfigurationText.rule)
        }
        if entry.form == .values {
            return ["\(entry.key):\(origin)"] + given.texts.map { "  - \(shown($0, entry))" }
        }
        return ["\(entry.key): \(shown(given.texts.last ?? "", entry))\(origin)"]
    }

    private func shown(_ text: String, _ entry: OptionCatalogue.Entry) -> String {
        guard entry.form != .nothing else { return OptionValue.flag(text) == true ? "true" : "false" }
        return YAMLText.quoted(Secrets.masked(text, of: entry.option))
    }

    private func origin(_ given: OptionSources.Given) -> String {
        switch given.source {
        case .commandLine: "command line"
        case .variable(let name): name
        case .file(let entry): "\(sources.file?.path ?? ""):\(entry.position)"
        }
    }

    /// The lines of a rule; the values were parsed before.
    private static func rule(_ text: String) -> [String] {
        guard let rule = try? ValueSyntax.channelRule.parse(text) else { return [] }
        return ["  - match: \(YAMLText.quoted(rule.pattern.text))"]
            + ChannelRuleSyntax.values(of: rule).map { "    \($0.field): \($0.value)" }
    }
}
