internal import Broker
internal import WSLoop

// Channels with histories.
extension RedisBridge {
    /// The rules of the library have changed.
    public func streamRulesChanged() {
        let preparation = streamPreparation
        for shard in shards {
            shard.publisher.preparation = preparation
            for command in preparation { shard.publisher.ask(command) { _ in } }
        }
    }

    /// What a server gets before messages are published: the script, so that no message waits for it.
    var streamPreparation: [RedisCommand] {
        guard let rules = delegate?.streamRules, !rules.isEmpty else { return [] }
        let library = StreamLibrary.text(
            rules, prefix: channels.publishTarget(for: ""), publishCommand: pubSub.publishCommand)
        return [
            RedisCommand("SCRIPT", ["LOAD", StreamScript.text]),
            // Redis has functions since version 7.
            RedisCommand("FUNCTION", ["LOAD", "REPLACE", library]),
        ]
    }

    /// How messages are published.
    var pubSub: ClusterPubSub { endpoint.isSharded ? .sharded : .plain }
}
