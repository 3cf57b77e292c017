public import Broker

extension RedisBridge: RemoteBroker {
    /// What the server says of Redis.
    public static let traits = BrokerTraits(
        name: "Redis", label: "redis", keyRefusal: "key cannot be used with --redis: a message carries none there")

    /// Publishes through Redis; while Redis is away the message waits, for a while from its loss on.
    ///
    /// After `stop()` there is no outcome.
    ///
    /// - Returns: nil: the outcome always comes by `brokerPublished`.
    public func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? {
        publish(publication.payload, to: publication.channel) { [weak self] result in
            let outcome = result.map { _ in Published() }.mapError { BrokerFailure($0.description) }
            self?.notify { $0.brokerPublished(outcome, for: ticket) }
        }
        return nil
    }
}
