internal import Broker
internal import Bytes
internal import WSLoop

/// The records that nodes keep in Redis.
///
/// They are the members of one sorted set, ordered by their ends: so they are in one slot of a cluster, and are read
/// and cleared without a search through all keys of Redis.
struct RedisRecords {
    /// How many records Redis sends at once.
    private static let perReply = "1000"

    unowned let bridge: RedisBridge
    let key: String

    /// Adds a record to the set.
    func keep(_ record: [UInt8], until end: Int, completion: @escaping (BrokerFailure?) -> Void) {
        let words = [Array(key.utf8), Array(String(end).utf8), record]
        ask(RedisCommand("ZADD", words)) { _, failure in completion(failure) }
        removeEnded()
    }

    /// Reads the set.
    func read(_ take: @escaping ([UInt8]) -> Void, completion: @escaping (BrokerFailure?) -> Void) {
        removeEnded()
        read(from: "0", take, completion)
    }

    /// Without records there is no set.
    private func removeEnded() {
        let now = String(Int(Loop.unixTimeSeconds))
        ask(RedisCommand("ZREMRANGEBYSCORE", [key, "-inf", now])) { _, _ in }
    }

    private func read(
        from cursor: String, _ take: @escaping ([UInt8]) -> Void, _ completion: @escaping (BrokerFailure?) -> Void
    ) {
        let command = RedisCommand("ZSCAN", [key, cursor, "COUNT", RedisRecords.perReply])
        ask(command) { [weak bridge, key] reply, failure in
            guard failure == nil, let reply, let next = reply.element(0)?.text, let entries = reply.element(1) else {
                return completion(failure ?? BrokerFailure("Redis sent no list of records"))
            }
            // Each record is followed by its score.
            for index in stride(from: 0, to: entries.elementCount, by: 2) {
                var record: [UInt8] = []
                entries.element(index)?.withBytes { record.append($0) }
                take(record)
            }
            guard next != "0", let bridge else { return completion(nil) }
            RedisRecords(bridge: bridge, key: key).read(from: next, take, completion)
        }
    }

    private func ask(_ command: RedisCommand, answered: @escaping (RedisReply?, BrokerFailure?) -> Void) {
        bridge.ask(about: key, { $0.ask(command, answered: $1) }, answered: answered)
    }
}
