import Access
import Channels

extension ValueSyntax where Value == ChannelRule {
    /// `PATTERN: FIELD=VALUE …`, such as `private.*: subscribe=token publish=nobody`.
    static var channelRule: ValueSyntax {
        ValueSyntax("rule", text: ChannelRuleSyntax.text) { text throws(ValueViolation) in
            // A channel's name may contain a colon and a space, but no field can.
            guard let colon = text.ranges(of: ": ").last,
                let pattern = ChannelPattern(String(text[..<colon.lowerBound]))
            else { throw ValueViolation(value: text, expected: ChannelRuleSyntax.expected) }
            var rule = ChannelRule(pattern)
            var fields: Set<String> = []
            for field in text[colon.upperBound...].split(separator: " ") {
                guard let equals = field.firstIndex(of: "=") else {
                    throw ValueViolation(value: String(field), expected: "FIELD=VALUE, as in subscribe=token")
                }
                let name = String(field[..<equals])
                guard fields.insert(name).inserted else {
                    throw ValueViolation(value: name, expected: "allowed twice in one rule")
                }
                try ChannelRuleSyntax.set(name, String(field[field.index(after: equals)...]), of: &rule)
            }
            guard !fields.isEmpty else { throw ValueViolation(value: text, expected: ChannelRuleSyntax.expected) }
            return rule
        }
    }
}

/// The fields of a channel rule.
enum ChannelRuleSyntax {
    static let expected = "a rule: PATTERN: FIELD=VALUE …, as in 'private.*: subscribe=token publish=nobody'"
    private static let subscribe = "subscribe"
    private static let publish = "publish"
    private static let slowConsumer = "slow-consumer"
    private static let history = "history"
    static let fields = [subscribe, publish, slowConsumer, history]
    /// Fields that later versions will have.
    private static let future = ["presence", "presence-grace", "conflate-every", "wildcard"]

    /// Sets a field of a rule.
    static func set(_ field: String, _ value: String, of rule: inout ChannelRule) throws(ValueViolation) {
        switch field {
        case subscribe: rule.subscribe = try right(to: .subscribe, field, value)
        case publish: rule.publish = try right(to: .publish, field, value)
        case slowConsumer: rule.slowConsumer = try choice(field, value)
        case history: rule.history = try limits(field, value)
        default:
            throw ValueViolation(
                value: field,
                expected: future.contains(field)
                    ? "supported yet" : "a field of a rule; they are \(fields.joined(separator: ", "))")
        }
    }

    /// A rule as `--channel` takes it.
    static func text(_ rule: ChannelRule) -> String {
        let fields = [
            (subscribe, rule.subscribe?.rawValue), (publish, rule.publish?.rawValue),
            (slowConsumer, rule.slowConsumer?.rawValue),
            (history, rule.history.map { "\($0.maxMessages)/\($0.maxAgeSeconds)s" }),
        ].compactMap { field, value in value.map { "\(field)=\($0)" } }
        return "\(rule.pattern.text): \(fields.joined(separator: " "))"
    }

    private static func right(
        to action: ChannelAction, _ field: String, _ value: String
    ) throws(ValueViolation) -> ChannelRight {
        guard let right = action.rights.first(where: { $0.rawValue == value }) else {
            throw violation(field, value, action.rights.map(\.rawValue))
        }
        return right
    }

    private static func choice(_ field: String, _ value: String) throws(ValueViolation) -> SlowConsumerPolicy {
        guard let policy = SlowConsumerPolicy(rawValue: value) else {
            throw violation(field, value, SlowConsumerPolicy.allCases.map(\.rawValue))
        }
        return policy
    }

    /// `COUNT/TIME`, as in `100/5m`.
    private static func limits(_ field: String, _ value: String) throws(ValueViolation) -> HistoryLimits {
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), HistoryLimits.counts.contains(count),
            let age = Units.time(String(parts[1])), HistoryLimits.ages.contains(Int(age / .seconds(1)))
        else {
            throw ValueViolation(
                value: "\(field)=\(value)",
                expected: "\(field)=COUNT/TIME, as in 100/5m; at most \(HistoryLimits.counts.upperBound) and 30 days")
        }
        return HistoryLimits(maxMessages: count, maxAgeSeconds: Int(age / .seconds(1)))
    }

    private static func violation(_ field: String, _ value: String, _ allowed: [String]) -> ValueViolation {
        ValueViolation(value: "\(field)=\(value)", expected: "\(field)= and one of \(allowed.joined(separator: ", "))")
    }
}
