public import Broker
internal import Bytes
internal import WSLoop

// Records are the members of one sorted set, ordered by their ends: so they are in one slot of a cluster, and are read
// and cleared without a search through all keys of Redis.
extension RedisBridge: NodeExchange {
    /// How many records Redis sends at once.
    private static let recordsPerReply = "1000"

    /// Subscribes to the nodes' channel, on every connection.
    public func joinNodes() {
        hearsNodes = true
        for shard in shards { shard.joinNodes() }
    }

    /// Publishes to the nodes' channel; while Redis is away, that waits for a limited time after the loss.
    public func tellNodes(_ text: [UInt8], completion: @escaping (BrokerFailure?) -> Void) {
        guard !isStopped else { return }
        publish(text, toRedis: channels.nodeChannel, until: nil) { [weak self] result in
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
        let key = Array(channels.recordsKey.utf8)
        ask(RedisCommand("ZADD", [key, Array(String(end).utf8), record])) { _, failure in completion(failure) }
        removeEndedRecords()
    }

    /// Without records there is no set.
    private func removeEndedRecords() {
        let now = String(Int(Loop.unixTimeSeconds))
        ask(RedisCommand("ZREMRANGEBYSCORE", [channels.recordsKey, "-inf", now])) { _, _ in }
    }

    /// Reads the set; fails at once while Redis is away.
    public func readRecords(_ take: @escaping ([UInt8]) -> Void, completion: @escaping (BrokerFailure?) -> Void) {
        removeEndedRecords()
        readRecords(from: "0", take, completion)
    }

    private func readRecords(
        from cursor: String, _ take: @escaping ([UInt8]) -> Void, _ completion: @escaping (BrokerFailure?) -> Void
    ) {
        let words = [channels.recordsKey, cursor, "COUNT", RedisBridge.recordsPerReply]
        ask(RedisCommand("ZSCAN", words)) { [weak self] reply, failure in
            guard failure == nil, let reply, let next = reply.element(0)?.text, let entries = reply.element(1) else {
                return completion(failure ?? BrokerFailure("Redis sent no list of records"))
            }
            // Each record is followed by its score.
            for index in stride(from: 0, to: entries.elementCount, by: 2) {
                var record: [UInt8] = []
                entries.element(index)?.withBytes { record.append($0) }
                take(record)
            }
            if next == "0" { completion(nil) } else { self?.readRecords(from: next, take, completion) }
        }
    }

    /// Sends a command about the records to the server that has them.
    private func ask(_ command: RedisCommand, answered: @escaping (RedisReply?, BrokerFailure?) -> Void) {
        guard !isStopped, let shard = shards.first(where: { $0.ledger.names.has(channels.recordsKey) }) else {
            return answered(nil, BrokerFailure(RedisPublishFailure.notConnected.description))
        }
        shard.publisher.ask(command) { [weak self] reply in
            guard let reply else {
                return answered(nil, BrokerFailure(RedisPublishFailure.notConnected.description))
            }
            guard let text = reply.errorText else { return answered(reply, nil) }
            if let redirection = ClusterRedirection(error: text) { self?.follow(redirection, from: shard) }
            answered(nil, BrokerFailure(RedisPublishFailure.refused(text).description))
        }
    }
}
