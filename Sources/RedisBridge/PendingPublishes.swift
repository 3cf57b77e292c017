/// Publishes that wait for Redis' reply, in the order in which they were sent.
struct PendingPublishes {
    typealias Completion = (Result<Int, RedisPublishFailure>) -> Void

    static let maximumCount = 100_000
    static let maximumBytes = 16 << 20

    private var waiting = FIFO<(byteCount: Int, completion: Completion)>()
    private var bytes = 0

    /// Whether a payload of this size may still be sent.
    func hasRoom(forBytes byteCount: Int) -> Bool {
        waiting.count < PendingPublishes.maximumCount && bytes + byteCount <= PendingPublishes.maximumBytes
    }

    mutating func append(byteCount: Int, completion: @escaping Completion) {
        bytes += byteCount
        waiting.append((byteCount, completion))
    }

    /// Takes the one that Redis has answered.
    mutating func popFirst() -> Completion? {
        guard let first = waiting.popFirst() else { return nil }
        bytes -= first.byteCount
        return first.completion
    }

    mutating func takeAll() -> [Completion] {
        bytes = 0
        return waiting.takeAll().map(\.completion)
    }
}
