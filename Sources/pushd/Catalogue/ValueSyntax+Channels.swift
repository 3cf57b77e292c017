import Access
import Channels
import PushServer

extension ValueSyntax where Value == ChannelPattern {
    /// The names of channels.
    static var channels: ValueSyntax {
        ValueSyntax("pattern", "a pattern of channel names", text: \.text) { ChannelPattern($0) }
    }
}

/// A Redis channel and the channel that it maps to.
struct RedisAlias {
    let redis: String
    let channel: String
}

extension ValueSyntax where Value == RedisAlias {
    /// `FROM=TO`.
    static var alias: ValueSyntax {
        ValueSyntax("from=to", "FROM=TO", text: { "\($0.redis)=\($0.channel)" }) { text in
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
            let channel = String(text[text.index(after: equals)...])
            return ChannelName.isValid(channel) ? RedisAlias(redis: String(text[..<equals]), channel: channel) : nil
        }
    }
}

/// The policy for slow consumers, of all channels or of those that match a pattern.
struct SlowConsumerRule {
    let pattern: ChannelPattern?
    let policy: SlowConsumerPolicy
}

extension ValueSyntax where Value == SlowConsumerRule {
    /// `POLICY` for all channels, `PATTERN=POLICY` for some.
    static var slowConsumer: ValueSyntax {
        let policies = SlowConsumerPolicy.allCases.map(\.rawValue).joined(separator: ", ")
        return ValueSyntax("[pattern=]policy", "[PATTERN=]POLICY, one of \(policies)") { text in
            // A channel's name may contain an equals sign, but a policy cannot.
            guard let equals = text.lastIndex(of: "=") else {
                return SlowConsumerPolicy(rawValue: text).map { SlowConsumerRule(pattern: nil, policy: $0) }
            }
            guard let pattern = ChannelPattern(String(text[..<equals])),
                let policy = SlowConsumerPolicy(rawValue: String(text[text.index(after: equals)...]))
            else { return nil }
            return SlowConsumerRule(pattern: pattern, policy: policy)
        }
    }
}

/// A client's message rate, and what happens above it.
struct MessageRate {
    /// Nil for unlimited.
    var limit: Limit?
    var excess = RateExcess.close
}

extension ValueSyntax where Value == MessageRate {
    /// `N`, `N:close`, `N:error` or `N:pause`, optionally followed by `:dry`, or `any` for unlimited.
    static var messageRate: ValueSyntax {
        let excesses = RateExcess.allCases.map(\.rawValue).joined(separator: " or ")
        return ValueSyntax(
            "n[:excess][:dry]", "a whole number from 1, which :\(excesses) and :dry may follow, or any",
            text: { "\($0.limit.map { "\($0.value)" } ?? "any"):\($0.excess.rawValue)" }
        ) { text in
            if text == "any" { return MessageRate() }
            let (text, isEnforced) = withoutDry(text)
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let number = Int(parts[0]), number > 0, number <= UInt32.max else { return nil }
            let limit = Limit(number, isEnforced: isEnforced)
            guard parts.count == 2 else { return MessageRate(limit: limit) }
            return RateExcess(rawValue: String(parts[1])).map { MessageRate(limit: limit, excess: $0) }
        }
    }
}
