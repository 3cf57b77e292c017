public import Broker

extension RedisBridge: NodeExchange {
    /// Subscribes to the nodes' channel, on every connection.
    public func joinNodes() {
        hearsNodes = true
        for shard in shards { shard.joinNodes() }
    }

    /// Publishes to the nodes' channel; while Redis is away, that waits for a limited time after the loss.
    public func tellNodes(_ text: [UInt8], completion: @escaping (BrokerFailure?) -> Void) {
        guard !isStopped else { return }
        routes.publish(text, toRedis: channels.nodeChannel) { [weak self] result in
            guard self?.isStopped == false else { return }
            if case .failure(let failure) = result {
                completion(BrokerFailure(failure.description))
            } else {
                completion(nil)
            }
        }
    }

    /// Adds a record to the set; fails at once while Redis is away.
    public func keep(_ record: [UInt8], until end: Int, completion: @escaping (BrokerFailure?) -> Void) {
        RedisRecords(bridge: self, key: channels.recordsKey).keep(record, until: end, completion: completion)
    }

    /// Reads the set; fails at once while Redis is away.
    public func readRecords(_ take: @escaping ([UInt8]) -> Void, completion: @escaping (BrokerFailure?) -> Void) {
        RedisRecords(bridge: self, key: channels.recordsKey).read(take, completion: completion)
    }
}
