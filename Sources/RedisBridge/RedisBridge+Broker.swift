public import Broker

extension RedisBridge: RemoteBroker {
    /// Redis' names and texts for the server.
    public static let traits = BrokerTraits(name: "Redis", label: "redis")

    /// The traits of a bridge to a server, the master of Sentinels or a cluster.
    public static func traits(of endpoint: RedisEndpoint) -> BrokerTraits {
        var traits = RedisBridge.traits
        if endpoint.isSharded {
            traits.wildcardObstacle =
                "there are no wildcards on a cluster with sharded pub/sub, which has no patterns (--redis-cluster-pubsub plain)"
        }
        return traits
    }

    /// Publishes through Redis; while Redis is away, messages wait for a limited time after the loss.
    ///
    /// After `stop()` there is no outcome.
    ///
    /// - Returns: nil: the outcome always comes by `brokerPublished`.
    public func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? {
        var form = PublishForm(
            limits: streams.limits(of: publication.channel), key: publication.key,
            attributes: MessageAttributes(publication),
            noteKey: publication.id.map { channels.noteKey(ofID: $0, on: publication.channel) })
        if form.limits != nil, publication.piece != nil {
            form.growth = (channels.growingKey(of: publication.channel), maxPayloadBytes)
        }
        let payload = form.limits == nil ? StreamEnvelope.plain(publication) : publication.payload
        publish(payload, to: publication.channel, as: form) { [weak self] result in
            let outcome = result.map { _ in Published() }.mapError { $0.forPublisher }
            self?.notify { $0.brokerPublished(outcome, for: ticket) }
        }
        return nil
    }

    /// Drops the messages of a channel's history in Redis, which tells all nodes.
    public func clearHistory(of channel: String, for ticket: PublishTicket) {
        let seconds = streams.limits(of: channel)?.maxAgeSeconds ?? 1
        streams.call(["clear", String(seconds), pubSub.publishCommand], of: channel) { [weak self] _, failure in
            self?.notify { $0.brokerPublished(failure.map { .failure($0) } ?? .success(Published()), for: ticket) }
        }
    }
}
