internal import DequeModule

/// The progress of one channel's messages.
///
/// All subscribers of a channel get its messages in the same order, so a count is enough: the n-th message is the same
/// for every subscriber, and the content does not matter.
struct ChannelProgress {
    private(set) var subscribers = 0
    private(set) var sent = 0
    private(set) var failed = 0
    /// Messages that were certainly published: each subscriber must get this many.
    private(set) var acknowledged = 0
    /// Messages that every subscriber has received.
    private var complete = 0
    /// The number of subscribers that have the first incomplete message, the second, and so on.
    private var reached: Deque<Int> = []

    /// Messages that were sent, but not answered yet or not received by all subscribers.
    var underWay: Int { sent - failed - min(acknowledged, subscribers == 0 ? acknowledged : complete) }

    mutating func join() { subscribers += 1 }

    mutating func send() { sent += 1 }

    mutating func answer(failed: Bool) {
        if failed { self.failed += 1 } else { acknowledged += 1 }
    }

    /// A subscriber that had received `position` messages received one more.
    mutating func arrive(at position: Int) {
        let index = position - complete
        if index < reached.count { reached[index] += 1 } else { reached.append(1) }
        if index == 0 { passComplete() }
    }

    /// A subscriber that had received `position` messages is gone.
    mutating func leave(at position: Int) {
        subscribers -= 1
        for index in 0..<max(position - complete, 0) { reached[index] -= 1 }
        passComplete()
    }

    private mutating func passComplete() {
        while let first = reached.first, first >= subscribers, first > 0 {
            reached.removeFirst()
            complete += 1
        }
    }
}
