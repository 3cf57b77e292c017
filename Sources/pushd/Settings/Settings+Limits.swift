import Access
import Channels
import PushServer
import WSLoop

// Limits, and the handling of slow clients.
extension Settings {
    mutating func setLimits(_ options: ServeOptions.Limits) {
        server.maxConnections = options.maxConnections
        server.admission.opensPerSecond = options.maxConnectRate
        server.maxPublishBytes = options.maxPublish
        server.inboundBudgetBytes = options.inboundBudget ?? resources.memoryBytes / 8
        server.historyBudgetBytes = options.historyBudget ?? resources.memoryBytes / 8
    }

    mutating func setRates(_ options: ServeOptions.Rates) {
        server.maxMessageBytes = options.maxMessage
        server.maxChannels = options.maxChannels
        (server.maxMessageRate, server.rateExcess) = (options.maxMessageRate.limit, options.maxMessageRate.excess)
        server.admission.opensPerSecondOfAddress = options.maxConnectRatePerAddress
        server.admission.connectionsOfAddress = options.maxConnectionsPerAddress
        server.maxSocketsOfAddress = options.maxSocketsPerAddress
        server.admission.connectionsOfUser = options.maxConnectionsPerUser
    }

    /// Two of the largest messages fit into an outbox; of the rules the first whose pattern matches decides.
    mutating func setSlowConsumers(_ options: ServeOptions.SlowConsumers) {
        server.outboxLimitBytes = options.outboxLimit ?? max(server.outboxLimitBytes, 2 * server.maxPublishBytes)
        server.outboxBudgetBytes = options.outboxBudget ?? resources.memoryBytes / 4
        server.stallTimeout = options.stallTimeout
        for rule in options.slowConsumer {
            if let pattern = rule.pattern {
                server.slowConsumers.rules.append(SlowConsumerPolicies.Rule(pattern, rule.policy))
            } else {
                server.slowConsumers.otherwise = rule.policy
            }
        }
    }
}
