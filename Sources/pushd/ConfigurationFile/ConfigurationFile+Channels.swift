import Access
import Channels
import YAML

// The channel rules of a file.
extension ConfigurationFile {
    private static let match = "match"
    private static let example = "- match: \"private.*\""

    /// The rules of a list, as `--channel` takes them.
    mutating func rules(_ node: YAMLNode) -> [Value] {
        guard case .list(let elements) = node.content, !elements.isEmpty else {
            refuse(
                node.position, ConfigurationFile.rulesKey,
                "a list of rules is expected, each of which begins as in \(ConfigurationFile.example)")
            return []
        }
        return elements.compactMap { rule($0) }
    }

    private mutating func rule(_ node: YAMLNode) -> Value? {
        guard case .mapping(let members) = node.content else {
            refuse(
                node.position, ConfigurationFile.rulesKey,
                "a rule is expected, which begins as in \(ConfigurationFile.example)")
            return nil
        }
        let before = violations.count
        var lines: [String: Int] = [:]
        var pattern: ChannelPattern?
        for member in members {
            if let line = lines.updateValue(member.position.line, forKey: member.key) {
                refuse(member.position, key(member), "'\(member.key)' is not allowed twice; see line \(line)")
            } else if member.key == ConfigurationFile.match {
                pattern = channels(member)
            } else if !ChannelRuleSyntax.isField(member.key) {
                refuseField(member)
            }
        }
        if lines[ConfigurationFile.match] == nil {
            refuse(node.position, ConfigurationFile.rulesKey, "a rule needs match, the pattern of its channels")
        } else if lines.count == 1 {
            refuse(node.position, ConfigurationFile.rulesKey, "this rule sets nothing: \(ConfigurationFile.fields)")
        }
        // Its fields are looked at even if its channels are not known.
        guard var rule = (pattern ?? ChannelPattern("*")).map({ ChannelRule($0) }) else { return nil }
        var value = Value(text: "", position: node.position)
        for member in members where ChannelRuleSyntax.isField(member.key) {
            guard let text = fieldText(member) else { continue }
            value.fields[member.key] = member.value.position
            do throws(ValueViolation) {
                try ChannelRuleSyntax.set(member.key, text, of: &rule)
            } catch {
                refuse(member.value.position, key(member), error.description)
            }
        }
        guard violations.count == before else { return nil }
        return Value(text: ChannelRuleSyntax.text(rule), position: value.position, fields: value.fields)
    }

    /// A field as `--channel` takes it; a history may also be `{size: 100, ttl: 5m}`.
    private mutating func fieldText(_ member: YAMLNode.Member) -> String? {
        guard member.key == ChannelRuleSyntax.history, case .mapping(let parts) = member.value.content else {
            return text(member.value, key(member))
        }
        var texts: [String: String] = [:]
        for part in parts {
            guard ["size", "ttl"].contains(part.key), texts[part.key] == nil else {
                refuse(part.position, key(member), "a history has size and ttl, each once")
                return nil
            }
            guard let text = text(part.value, "\(key(member)).\(part.key)") else { return nil }
            texts[part.key] = text
        }
        guard let size = texts["size"], let age = texts["ttl"] else {
            refuse(member.value.position, key(member), "a history has both size and ttl, as in {size: 100, ttl: 5m}")
            return nil
        }
        return "\(size)/\(age)"
    }

    private func key(_ member: YAMLNode.Member) -> String { "\(ConfigurationFile.rulesKey).\(member.key)" }

    private static var fields: String { "the fields are \(ChannelRuleSyntax.fields.joined(separator: ", "))" }

    private mutating func channels(_ member: YAMLNode.Member) -> ChannelPattern? {
        guard let text = text(member.value, key(member)) else { return nil }
        guard let pattern = ChannelPattern(text) else {
            refuse(member.value.position, key(member), "'\(text)' is not a pattern of channel names")
            return nil
        }
        return pattern
    }

    private mutating func refuseField(_ member: YAMLNode.Member) {
        var violation = ChannelRuleSyntax.violation(ofField: LogText.escaping(member.key))
        let names = ChannelRuleSyntax.fields + [ConfigurationFile.match]
        violation.remedy = Spelling.nearest(to: member.key, among: names).map { "did you mean \($0)?" }
        refuse(member.position, ConfigurationFile.rulesKey, violation.description)
    }
}
