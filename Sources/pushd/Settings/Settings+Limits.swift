import Access
import Channels
import PushServer
import WSLoop

// Limits, and what becomes of clients that do not keep up.
extension Settings {
    mutating func readLimits(_ options: ServeOptions.Limits, _ values: OptionValues) throws(SettingViolation) {
        server.maxConnections = try values.limit("--max-connections", options.maxConnections, 1...Int.max)
        server.admission.opensPerSecond = try values.limit("--max-connect-rate", options.maxConnectRate, 1...Int.max)
        server.maxPublishBytes =
            try values.bytes("--max-publish", options.maxPublish, 1...(1 << 30)) ?? server.maxPublishBytes
        server.inboundBudgetBytes =
            try values.bytes("--inbound-budget", options.inboundBudget, 1...Int.max)
            ?? resources.memoryBytes / 8
    }

    /// Far more than a client needs, and a fraction of a core.
    private static let defaultMessageRate: (Limit?, RateExcess) = (50_000, .pause)

    mutating func readRates(_ options: ServeOptions.Rates, _ values: OptionValues) throws(SettingViolation) {
        server.maxMessageBytes =
            try values.bytes("--max-message", options.maxMessage, 1...(1 << 30)) ?? server.maxMessageBytes
        server.maxChannels = try values.limit("--max-channels", options.maxChannels, 1...65_536) ?? server.maxChannels
        try readMessageRate(options, values)
        server.admission.opensPerSecondOfAddress = try values.limit(
            "--max-connect-rate-per-address", options.maxConnectRatePerAddress, 1...Int.max)
        server.admission.connectionsOfAddress = try values.limit(
            "--max-connections-per-address", options.maxConnectionsPerAddress, 1...Int.max)
        server.maxSocketsOfAddress = try values.limit(
            "--max-sockets-per-address", options.maxSocketsPerAddress, 1...Int.max)
        server.admission.connectionsOfUser = try values.limit(
            "--max-connections-per-user", options.maxConnectionsPerUser, 1...Int.max)
    }

    private mutating func readMessageRate(
        _ options: ServeOptions.Rates, _ values: OptionValues
    ) throws(SettingViolation) {
        let excesses = RateExcess.allCases.map(\.rawValue).joined(separator: " or ")
        let rate = try values.one(
            "--max-message-rate", options.maxMessageRate,
            "a whole number from 1, with :\(excesses) and :dry behind it if need be, or any"
        ) { text -> (Limit?, RateExcess)? in
            if text == "any" { return (nil, .close) }
            let (text, isEnforced) = OptionValues.withoutDry(text)
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let number = Int(parts[0]), number > 0, number <= UInt32.max else { return nil }
            let limit = Limit(number, isEnforced: isEnforced)
            guard parts.count == 2 else { return (limit, .close) }
            return RateExcess(rawValue: String(parts[1])).map { (limit, $0) }
        }
        (server.maxMessageRate, server.rateExcess) = rate ?? Settings.defaultMessageRate
    }

    /// `POLICY` for all channels, `PATTERN=POLICY` for some: the first pattern that matches decides.
    mutating func readSlowConsumers(
        _ options: ServeOptions.SlowConsumers, _ values: OptionValues
    ) throws(SettingViolation) {
        server.outboxLimitBytes =
            try values.bytes("--outbox-limit", options.outboxLimit, 1...Int.max)
            ?? max(server.outboxLimitBytes, 2 * server.maxPublishBytes)
        server.outboxBudgetBytes =
            try values.bytes("--outbox-budget", options.outboxBudget, 1...Int.max)
            ?? resources.memoryBytes / 4
        server.stallTimeout = try values.seconds("--stall-timeout", options.stallTimeout) ?? server.stallTimeout
        let policies = SlowConsumerPolicy.allCases.map(\.rawValue).joined(separator: ", ")
        let rules = try values.each("--slow-consumer", options.slowConsumer, "[PATTERN=]POLICY, one of \(policies)") {
            text -> (pattern: ChannelPattern?, policy: SlowConsumerPolicy)? in
            // A channel's name may have an equals sign, a policy has none.
            guard let equals = text.lastIndex(of: "=") else {
                return SlowConsumerPolicy(rawValue: text).map { (nil, $0) }
            }
            guard let pattern = ChannelPattern(String(text[..<equals])),
                let policy = SlowConsumerPolicy(rawValue: String(text[text.index(after: equals)...]))
            else { return nil }
            return (pattern, policy)
        }
        for rule in rules ?? [] {
            if let pattern = rule.pattern {
                server.slowConsumers.rules.append(SlowConsumerPolicies.Rule(pattern, rule.policy))
            } else {
                server.slowConsumers.otherwise = rule.policy
            }
        }
    }
}
