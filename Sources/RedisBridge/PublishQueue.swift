internal import DequeModule

/// Messages on their way to Redis: some wait for a connection, the sent commands wait for a reply.
struct PublishQueue {
    typealias Completion = (Result<Int, RedisPublishFailure>) -> Void
    /// Receives the reply, or nil if the connection broke before.
    typealias Answered = (RedisReply?) -> Void

    /// A message that waits for a connection.
    struct Waiting {
        let channel: [UInt8]
        let payload: [UInt8]
        var form = PublishForm.plain
        /// The time at which it is given up.
        let deadline: UInt64
        let completion: Completion
    }

    /// A command that Redis has not answered.
    private final class Sent {
        let byteCount: Int
        let deadline: UInt64
        /// Nil once it was given up; its reply is still expected.
        var answered: Answered?

        init(byteCount: Int, deadline: UInt64, answered: @escaping Answered) {
            (self.byteCount, self.deadline, self.answered) = (byteCount, deadline, answered)
        }
    }

    static let maximumCount = 100_000
    static let maximumBytes = 16 << 20

    private var waiting = Deque<Waiting>()
    private var sent = Deque<Sent>()
    /// The sent commands that can still time out, oldest first; some may have been answered.
    private var patient = Deque<Sent>()
    private var bytes = 0

    /// The number of messages and commands.
    var count: Int { waiting.count + sent.count }

    /// Whether a payload of this size can be accepted.
    func hasRoom(forBytes byteCount: Int) -> Bool {
        count < PublishQueue.maximumCount && bytes + byteCount <= PublishQueue.maximumBytes
    }

    /// Adds a message that waits for a connection.
    mutating func wait(_ message: Waiting) {
        bytes += message.payload.count
        waiting.append(message)
    }

    /// Notes a command that was sent.
    ///
    /// - Parameter deadline: the time at which it is given up if it is not answered, on a monotonic clock.
    mutating func sent(byteCount: Int = 0, until deadline: UInt64 = .max, answered: @escaping Answered) {
        bytes += byteCount
        let command = Sent(byteCount: byteCount, deadline: deadline, answered: answered)
        sent.append(command)
        if deadline != .max { patient.append(command) }
    }

    /// Removes the command that Redis has just answered; nil if there is none, or if it was given up.
    mutating func popSent() -> Answered? {
        guard let first = sent.popFirst() else { return nil }
        bytes -= first.byteCount
        defer { first.answered = nil }
        while let next = patient.first, next.answered == nil || next === first { _ = patient.popFirst() }
        return first.answered
    }

    /// Removes all unanswered commands, because their connection broke.
    mutating func takeSent() -> [Answered] {
        defer { (sent, patient) = ([], []) }
        for each in sent { bytes -= each.byteCount }
        return sent.compactMap(\.answered)
    }

    /// Removes the commands that Redis has not answered in time.
    mutating func takeUnanswered(at now: UInt64) -> [Answered] {
        var unanswered: [Answered] = []
        while let first = patient.first, first.answered == nil || first.deadline <= now {
            _ = patient.popFirst()
            if let answered = first.answered { unanswered.append(answered) }
            first.answered = nil
        }
        return unanswered
    }

    /// Removes the messages that wait for a connection, in order.
    mutating func takeWaiting() -> [Waiting] {
        defer { waiting = [] }
        for message in waiting { bytes -= message.payload.count }
        return Array(waiting)
    }

    /// Removes the messages that have waited too long.
    mutating func takeExpired(at now: UInt64) -> [Waiting] {
        var expired: [Waiting] = []
        while let first = waiting.first, first.deadline <= now, let message = waiting.popFirst() {
            bytes -= message.payload.count
            expired.append(message)
        }
        return expired
    }

    /// The time at which the first message or command times out.
    var nextDeadline: UInt64? {
        guard let message = waiting.first, let command = patient.first else {
            return waiting.first?.deadline ?? patient.first?.deadline
        }
        return min(message.deadline, command.deadline)
    }
}
