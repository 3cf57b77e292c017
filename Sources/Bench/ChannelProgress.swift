internal import DequeModule

/// How far the messages of one channel have got.
///
/// All subscribers of a channel get its messages in one order, so a message is where it is in that order, and a subscriber is
/// at the message behind the last it got. What the messages are need not be known.
struct ChannelProgress {
    private(set) var subscribers = 0
    private(set) var sent = 0
    private(set) var failed = 0
    /// Messages that were published for sure: each subscriber has to get that many.
    private(set) var acknowledged = 0
    /// Messages that every subscriber has.
    private var complete = 0
    /// How many subscribers have the message behind the complete ones, the one behind that, and so on.
    private var reached: Deque<Int> = []

    /// Messages that were sent and have not been answered or not arrived everywhere.
    var underWay: Int { sent - failed - min(acknowledged, subscribers == 0 ? acknowledged : complete) }

    mutating func join() { subscribers += 1 }

    mutating func send() { sent += 1 }

    mutating func answer(failed: Bool) {
        if failed { self.failed += 1 } else { acknowledged += 1 }
    }

    /// A subscriber that had got `position` messages got one more.
    mutating func arrive(at position: Int) {
        let index = position - complete
        if index < reached.count { reached[index] += 1 } else { reached.append(1) }
        if index == 0 { passComplete() }
    }

    /// A subscriber that had got `position` messages is gone.
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
