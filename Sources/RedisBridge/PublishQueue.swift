internal import DequeModule

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

    /// A command that Redis has not answered.
    private final class Sent {
        let byteCount: Int
        let deadline: UInt64
        /// Nil once it was given up; the reply is waited for all the same.
        var answered: Answered?

        init(byteCount: Int, deadline: UInt64, answered: @escaping Answered) {
            (self.byteCount, self.deadline, self.answered) = (byteCount, deadline, answered)
        }
    }

    static let maximumCount = 100_000
    static let maximumBytes = 16 << 20

    private var waiting = Deque<Waiting>()
    private var sent = Deque<Sent>()
    /// Those of them that may still be given up, the oldest first, and some that were answered.
    private var patient = Deque<Sent>()
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
    ///
    /// - Parameter deadline: when it is given up unless it was answered, on a clock that does not go back.
    mutating func sent(byteCount: Int = 0, until deadline: UInt64 = .max, answered: @escaping Answered) {
        bytes += byteCount
        let command = Sent(byteCount: byteCount, deadline: deadline, answered: answered)
        sent.append(command)
        if deadline != .max { patient.append(command) }
    }

    /// Takes the one that Redis has answered; nil if there is none, or if it was given up.
    mutating func popSent() -> Answered? {
        guard let first = sent.popFirst() else { return nil }
        bytes -= first.byteCount
        defer { first.answered = nil }
        while let next = patient.first, next.answered == nil || next === first { _ = patient.popFirst() }
        return first.answered
    }

    /// Takes all that Redis has not answered, whose connection broke.
    mutating func takeSent() -> [Answered] {
        defer { (sent, patient) = ([], []) }
        for each in sent { bytes -= each.byteCount }
        return sent.compactMap(\.answered)
    }

    /// Takes the commands that Redis has not answered in time.
    mutating func takeUnanswered(at now: UInt64) -> [Answered] {
        var unanswered: [Answered] = []
        while let first = patient.first, first.answered == nil || first.deadline <= now {
            _ = patient.popFirst()
            if let answered = first.answered { unanswered.append(answered) }
            first.answered = nil
        }
        return unanswered
    }

    /// Takes the messages that wait for a connection, in order.
    mutating func takeWaiting() -> [Waiting] {
        defer { waiting = [] }
        for message in waiting { bytes -= message.payload.count }
        return Array(waiting)
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

    /// When the first message or command has waited long enough.
    var nextDeadline: UInt64? {
        guard let message = waiting.first, let command = patient.first else {
            return waiting.first?.deadline ?? patient.first?.deadline
        }
        return min(message.deadline, command.deadline)
    }
}
