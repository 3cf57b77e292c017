import YAML

// Keys that are no option.
extension ConfigurationFile {
    /// Notes that a key is no option, with the one that is probably meant.
    mutating func refuseKey(_ member: YAMLNode.Member, _ catalogue: OptionCatalogue) {
        let key = LogText.escaping(member.key)
        guard "--\(member.key)" != ConfigurationFile.option else {
            return refuse(member.position, "'\(key)' is not possible here: a file cannot name another")
        }
        let near = ConfigurationFile.key(meantBy: member.key, catalogue).map { "; did you mean \($0)?" }
        refuse(member.position, "'\(key)' is not an option\(near ?? "")")
    }

    /// The key that another one is probably meant to be, perhaps in the spelling of the command line or of a variable.
    private static func key(meantBy text: String, _ catalogue: OptionCatalogue) -> String? {
        let keys = catalogue.entries.map(\.key) + [rulesKey]
        var name = text.lowercased().replacing("_", with: "-")
        if name.hasPrefix("--") { name.removeFirst(2) }
        if name.hasPrefix("pushd-") { name.removeFirst("pushd-".count) }
        let elsewhere = UsageError.option(calledElsewhere: "--" + name)
        return elsewhere.map { String($0.dropFirst(2)) } ?? Spelling.nearest(to: name, among: keys)
    }
}
