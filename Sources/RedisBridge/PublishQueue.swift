/// Messages on their way to Redis: those that wait for a connection, and the commands that wait for its reply.
struct PublishQueue {
    typealias Completion = (Result<Int, RedisPublishFailure>) -> Void
    /// Takes the reply, or nil if the connection broke before it came.
    typealias Answered = (RedisReply?) -> Void

    /// A message that waits for a connection.
    struct Waiting {
        let channel: [UInt8]
        let payload: [UInt8]
        /// When it is given up.
        let deadline: UInt64
        let completion: Completion
    }

    static let maximumCount = 100_000
    static let maximumBytes = 16 << 20

    private var waiting = FIFO<Waiting>()
    private var sent = FIFO<(byteCount: Int, answered: Answered)>()
    private var bytes = 0

    /// How many messages and commands there are.
    var count: Int { waiting.count + sent.count }

    /// Whether a payload of this size may still be taken.
    func hasRoom(forBytes byteCount: Int) -> Bool {
        count < PublishQueue.maximumCount && bytes + byteCount <= PublishQueue.maximumBytes
    }

    /// A message waits for a connection.
    mutating func wait(_ message: Waiting) {
        bytes += message.payload.count
        waiting.append(message)
    }

    /// A command was sent.
    mutating func sent(byteCount: Int = 0, answered: @escaping Answered) {
        bytes += byteCount
        sent.append((byteCount, answered))
    }

    /// Takes the one that Redis has answered.
    mutating func popSent() -> Answered? {
        guard let first = sent.popFirst() else { return nil }
        bytes -= first.byteCount
        return first.answered
    }

    /// Takes all that Redis has not answered, whose connection broke.
    mutating func takeSent() -> [Answered] {
        let taken = sent.takeAll()
        for each in taken { bytes -= each.byteCount }
        return taken.map(\.answered)
    }

    /// Takes the messages that wait for a connection, in order.
    mutating func takeWaiting() -> [Waiting] {
        let taken = Array(waiting.takeAll())
        for message in taken { bytes -= message.payload.count }
        return taken
    }

    /// Takes the messages that have waited long enough.
    mutating func takeExpired(at now: UInt64) -> [Waiting] {
        var expired: [Waiting] = []
        while let first = waiting.first, first.deadline <= now, let message = waiting.popFirst() {
            bytes -= message.payload.count
            expired.append(message)
        }
        return expired
    }

    /// When the first message has waited long enough.
    var nextDeadline: UInt64? { waiting.first?.deadline }
}
