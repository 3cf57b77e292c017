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
                let value = String(field[field.index(after: equals)...])
                guard fields.insert(name).inserted else {
                    throw ValueViolation(value: name, expected: "allowed twice in one rule")
                }
                do throws(ValueViolation) {
                    try ChannelRuleSyntax.set(name, value, of: &rule)
                } catch {
                    throw ChannelRuleSyntax.isField(name)
                        ? ValueViolation(value: String(field), expected: "\(name)= and \(error.expected)") : error
                }
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
    static let history = "history"
    private static let presence = "presence"
    private static let presenceGrace = "presence-grace"
    private static let wildcard = "wildcard"
    private static let conflateEvery = "conflate-every"
    static let fields = [
        subscribe, publish, slowConsumer, history, presence, presenceGrace, wildcard, conflateEvery,
    ]

    /// Sets a field of a rule.
    static func set(_ field: String, _ value: String, of rule: inout ChannelRule) throws(ValueViolation) {
        switch field {
        case subscribe: rule.subscribe = try right(to: .subscribe, value)
        case publish: rule.publish = try right(to: .publish, value)
        case slowConsumer: rule.slowConsumer = try policy(value)
        case history: rule.history = try limits(value)
        case presence: rule.presence = try flag(value, yes: "on", no: "off")
        case presenceGrace: rule.presenceGraceMilliseconds = try grace(value)
        case wildcard: rule.wildcard = try flag(value, yes: "allow", no: "deny")
        case conflateEvery: rule.conflateEveryMilliseconds = try interval(value)
        default: throw violation(ofField: field)
        }
    }

    /// Why there is no such field.
    static func violation(ofField name: String) -> ValueViolation {
        ValueViolation(
            value: name, expected: "a field of a rule; they are \(fields.joined(separator: ", "))")
    }

    static func isField(_ name: String) -> Bool { fields.contains(name) }

    /// A rule as `--channel` takes it.
    static func text(_ rule: ChannelRule) -> String {
        "\(rule.pattern.text): \(values(of: rule).map { "\($0.field)=\($0.value)" }.joined(separator: " "))"
    }

    /// The fields that a rule sets.
    static func values(of rule: ChannelRule) -> [(field: String, value: String)] {
        [
            (subscribe, rule.subscribe?.rawValue), (publish, rule.publish?.rawValue),
            (slowConsumer, rule.slowConsumer?.rawValue),
            (history, rule.history.map { "\($0.maxMessages)/\($0.maxAgeSeconds)s" }),
            (presence, rule.presence.map { $0 ? "on" : "off" }),
            (presenceGrace, rule.presenceGraceMilliseconds.map { Units.text(time: .milliseconds($0)) }),
            (wildcard, rule.wildcard.map { $0 ? "allow" : "deny" }),
            (conflateEvery, rule.conflateEveryMilliseconds.map { Units.text(time: .milliseconds($0)) }),
        ].compactMap { field, value in value.map { (field, $0) } }
    }

    private static func right(to action: ChannelAction, _ value: String) throws(ValueViolation) -> ChannelRight {
        guard let right = action.rights.first(where: { $0.rawValue == value }) else {
            throw violation(value, action.rights.map(\.rawValue))
        }
        return right
    }

    private static func policy(_ value: String) throws(ValueViolation) -> SlowConsumerPolicy {
        guard let policy = SlowConsumerPolicy(rawValue: value) else {
            throw violation(value, SlowConsumerPolicy.allCases.map(\.rawValue))
        }
        return policy
    }

    /// `COUNT/TIME`, as in `100/5m`.
    private static func limits(_ value: String) throws(ValueViolation) -> HistoryLimits {
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), HistoryLimits.counts.contains(count),
            let age = Units.time(String(parts[1])), HistoryLimits.ages.contains(Int(age / .seconds(1)))
        else {
            throw ValueViolation(
                value: value,
                expected: "COUNT/TIME, as in 100/5m; at most \(HistoryLimits.counts.upperBound) and 30 days")
        }
        return HistoryLimits(maxMessages: count, maxAgeSeconds: Int(age / .seconds(1)))
    }

    private static func flag(_ value: String, yes: String, no: String) throws(ValueViolation) -> Bool {
        switch value {
        case yes: return true
        case no: return false
        default: throw violation(value, [yes, no])
        }
    }

    private static func grace(_ value: String) throws(ValueViolation) -> UInt64 {
        guard let time = Units.time(value), time <= .seconds(3600) else {
            throw ValueViolation(value: value, expected: "a time such as 10s, at most an hour")
        }
        return UInt64(time / .milliseconds(1))
    }

    private static func interval(_ value: String) throws(ValueViolation) -> UInt64 {
        guard let time = Units.time(value), time >= .milliseconds(10), time <= .seconds(60) else {
            throw ValueViolation(value: value, expected: "a time such as 100ms, from 10ms to 1m")
        }
        return UInt64(time / .milliseconds(1))
    }

    private static func violation(_ value: String, _ allowed: [String]) -> ValueViolation {
        ValueViolation(value: value, expected: "one of \(allowed.joined(separator: ", "))")
    }
}
