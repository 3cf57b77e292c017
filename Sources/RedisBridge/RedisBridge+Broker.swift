public import Broker

extension RedisBridge: RemoteBroker {
    /// Redis' names and texts for the server.
    public static let traits = BrokerTraits(
        name: "Redis", label: "redis", keyRefusal: "key cannot be used with --redis: a message carries none there",
        exclusionRefusal: "exclude cannot be used with --redis: a message says nothing of connections there")

    /// Publishes through Redis; while Redis is away, messages wait for a limited time after the loss.
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
