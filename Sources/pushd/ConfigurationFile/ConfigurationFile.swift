import Glibc
import WSLoop
import YAML

/// A configuration file: the options that it gives, and where each value is.
///
/// Its keys are the names of options, and `channels` with channel rules as mappings. Whether a value is one of its
/// option is found out like for a value on the command line.
struct ConfigurationFile: Sendable {
    /// A value of an option.
    struct Value: Sendable {
        /// As the command line takes it.
        let text: String
        let position: YAMLPosition
        /// Where the values of a channel rule's fields are.
        var fields: [String: YAMLPosition] = [:]
    }

    /// The values of an option.
    struct Entry: Sendable {
        /// The key as it is written.
        let key: String
        let position: YAMLPosition
        var values: [Value] = []
    }

    /// The option that names the file, which a file cannot.
    static let option = "--config"
    /// The option that takes a channel rule, and the key that has a list of them.
    static let ruleOption = "--channel"
    static let rulesKey = "channels"

    let path: String
    /// By option.
    private(set) var entries: [String: Entry] = [:]
    /// The options of which a value has not the right form.
    private(set) var refused: Set<String> = []
    /// What is wrong with its form, in the order of the text.
    private(set) var violations: [SettingViolation] = []

    /// Reads a file, which blocks.
    init(_ path: String, _ catalogue: OptionCatalogue) throws(ValueViolation) {
        guard let bytes = SystemFile.read(path, minBytes: YAMLDocument.maxBytes + 1) else {
            throw ValueViolation(value: path, expected: "readable: \(unsafe String(cString: strerror(errno)))")
        }
        self.init(path: path, bytes, catalogue)
    }

    /// Reads the text of a file.
    init(path: String, _ bytes: [UInt8], _ catalogue: OptionCatalogue) {
        self.path = path
        let document = YAMLDocument(parsing: bytes)
        for violation in document.violations { refuse(violation.position, violation.message) }
        switch document.root?.content {
        case .mapping(let members): for member in members { read(member, catalogue) }
        case nil where !violations.isEmpty: break
        // Perhaps the file is just being written, and it would have had keys that protect something.
        case nil: refuse(YAMLPosition(line: 1, column: 1), "the file is empty: write {} if it is to have no option")
        default: refuse(YAMLPosition(line: 1, column: 1), "keys and values are expected, as in listen: 8081")
        }
    }

    /// Notes what is wrong with the value of a key.
    mutating func refuse(_ position: YAMLPosition, _ key: String, _ message: String) {
        refuse(position, "\(key): \(message)")
    }

    /// Notes what is wrong at a place.
    mutating func refuse(_ position: YAMLPosition, _ message: String) {
        violations.append(SettingViolation(option: "\(path):\(position)", reason: message, position: position))
    }

    private mutating func read(_ member: YAMLNode.Member, _ catalogue: OptionCatalogue) {
        let isRules = member.key == ConfigurationFile.rulesKey
        let option = isRules ? ConfigurationFile.ruleOption : "--\(member.key)"
        guard let found = catalogue.entries.first(where: { $0.option == option }), option != ConfigurationFile.option
        else { return refuseKey(member, catalogue) }
        if let other = entries[option] {
            let what = other.key == member.key ? "allowed twice" : "possible together with \(other.key)"
            return refuse(member.position, "'\(member.key)' is not \(what); see line \(other.position.line)")
        }
        let before = violations.count
        let values = isRules ? rules(member.value) : values(member, found.form)
        entries[option] = Entry(key: member.key, position: member.position, values: values)
        if violations.count > before { refused.insert(option) }
    }

    private mutating func values(_ member: YAMLNode.Member, _ form: OptionCatalogue.Form) -> [Value] {
        guard case .list(let elements) = member.value.content, form == .values else {
            return text(member.value, member.key).map { [Value(text: $0, position: member.value.position)] } ?? []
        }
        if elements.isEmpty {
            refuse(member.value.position, member.key, "the list is empty: leave the key out for the default")
        }
        return elements.compactMap { element in
            text(element, member.key).map { Value(text: $0, position: element.position) }
        }
    }

    /// A value that is one text.
    mutating func text(_ node: YAMLNode, _ key: String) -> String? {
        guard case .text(let text, _) = node.content else {
            let found = if case .list = node.content { "a list" } else { "keys" }
            refuse(node.position, key, "one value is expected, not \(found)")
            return nil
        }
        guard !node.isNull else {
            refuse(node.position, key, "there is no value: leave the key out for the default")
            return nil
        }
        // A path would end at a NUL, and no option needs the others.
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            refuse(node.position, key, "the value has a control character in it")
            return nil
        }
        return text
    }
}
