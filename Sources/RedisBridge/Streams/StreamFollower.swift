/// Follows the numbers of one channel's messages, so that each is delivered once, in order and without a hole.
///
/// It knows no connection and no clock. Messages arrive by Pub/Sub, which loses some and repeats others. What is
/// missing is read from the stream, and nothing later is delivered before that.
struct StreamFollower {
    /// The last message that was delivered.
    struct Mark: Equatable {
        let epoch: UInt64
        let offset: UInt64
        /// When Redis took it; 0 if there is no such message.
        let timeMicroseconds: UInt64
    }

    /// What is to be done with a page, in this order.
    enum Step: Equatable {
        /// The numbers go on behind this place; `isLoss` if subscribers have missed messages that cannot be had.
        case restart(epoch: UInt64, after: UInt64, isLoss: Bool)
        /// What growing messages have so far is that of the page, as pieces were missed.
        case takeTexts
        /// A message from before the channel was followed: for the history only.
        case keep(StreamEntry)
        /// A message for history and subscribers.
        case deliver(StreamEntry)
    }

    /// The most that is held during a read; beyond it, messages are read again instead.
    static let maxHeldMessages = 1024
    static let maxHeldBytes = 1 << 20

    private enum State {
        /// Messages may be missing, and a read would be of no use yet.
        case lost
        /// A read is needed.
        case behind
        case reading
        case synced
    }

    /// Whether pieces of growing messages were missed, so that their texts must be read.
    private var needsTexts = false
    /// Nil until something was read.
    private(set) var mark: Mark?
    private var state = State.lost
    /// The answer to an earlier read comes too late: messages may have been missed since.
    private var readNumber: UInt32 = 0
    /// While the history is first read: up to where messages are from before.
    private var past: Mark?
    /// The first message that came, from which on none is from before.
    private var earliest: (epoch: UInt64, offset: UInt64)?
    /// Messages that came during the read.
    private var held: [(epoch: UInt64, entry: StreamEntry)] = []
    private var heldBytes = 0
    /// Whether a message came that was not held.
    private var hasMissed = false

    /// Whether everything published so far, as far as known, was delivered.
    var isSynced: Bool { state == .synced }
    /// Whether messages that come are taken, and not left to subscribers of wildcards.
    var hasBegun: Bool { mark != nil || state != .lost }
    /// Whether a read should begin.
    var needsRead: Bool { state == .behind }

    /// The channel is subscribed in Redis from now on.
    mutating func subscribed() {
        if state != .reading { state = .behind } else { hasMissed = true }
    }

    /// Begins to follow, if the channel is not followed yet.
    mutating func begin() {
        if state == .lost { state = .behind }
    }

    /// Has the stream read again, as nothing may follow a message that was lost.
    mutating func check() {
        if state != .lost { subscribed() }
    }

    /// The subscription was lost.
    mutating func lost() {
        state = .lost
        earliest = nil
        forgetHeld()
    }

    /// A read begins, whose outcome is `answered` or `failed`; returns its number.
    mutating func reading() -> UInt32 {
        state = .reading
        readNumber += 1
        return readNumber
    }

    /// A read has failed.
    mutating func failed(_ number: UInt32) {
        if state == .reading, number == readNumber { state = .behind }
    }

    /// A message arrived.
    ///
    /// - Returns: whether it is to be delivered now; otherwise it was delivered before, or a read will bring it.
    mutating func received(_ entry: StreamEntry, epoch: UInt64) -> Bool {
        if state == .synced, let mark, epoch == mark.epoch {
            guard entry.offset > mark.offset else { return false }
            if entry.offset == mark.offset + 1 {
                advance(to: entry, epoch)
                return true
            }
        }
        hold(entry, epoch)
        if state == .synced { state = .behind }
        return false
    }

    /// The numbers go on, but the messages so far were dropped.
    mutating func cleared(epoch: UInt64, offset: UInt64) {
        guard state == .synced, let mark, mark.epoch != epoch || mark.offset != offset else { return }
        state = .behind
    }

    /// The answer to a read.
    mutating func answered(_ page: StreamPage, to number: UInt32) -> [Step] {
        guard state == .reading, number == readNumber else { return [] }
        var steps: [Step] = []
        begin(page, &steps)
        for entry in page.entries { take(entry, page.epoch, &steps) }
        if page.isMore {
            state = .behind
            return steps
        }
        // The messages that followed are gone: trimmed, or deleted.
        if let mark, mark.offset < page.lastOffset { restart(page.epoch, after: page.lastOffset, &steps) }
        if needsTexts {
            needsTexts = false
            steps.append(.takeTexts)
        }
        let isWhole = takeHeld(&steps)
        state = isWhole ? .synced : .behind
        if isWhole { past = nil }
        return steps
    }

    /// Looks whether the page goes on where the last message was.
    private mutating func begin(_ page: StreamPage, _ steps: inout [Step]) {
        guard mark?.epoch != page.epoch else { return }
        let first = page.entries.first?.offset ?? page.lastOffset + 1
        // After another epoch all messages of this one are new to the subscribers.
        let isFirstRead = mark == nil
        restart(page.epoch, after: max(first, 1) - 1, &steps)
        guard isFirstRead else { return }
        // Subscribers of wildcards have got what was published before the first message that came, and nothing later.
        var last = page.lastOffset
        if let earliest, earliest.epoch == page.epoch { last = min(max(earliest.offset, 1) - 1, last) }
        past = Mark(epoch: page.epoch, offset: last, timeMicroseconds: 0)
    }

    private mutating func restart(_ epoch: UInt64, after offset: UInt64, _ steps: inout [Step]) {
        steps.append(.restart(epoch: epoch, after: offset, isLoss: mark != nil && !isPast(epoch, offset)))
        mark = Mark(epoch: epoch, offset: offset, timeMicroseconds: 0)
        needsTexts = true
    }

    private mutating func take(_ entry: StreamEntry, _ epoch: UInt64, _ steps: inout [Step]) {
        guard let mark, entry.offset > mark.offset else { return }
        if entry.offset != mark.offset + 1 { restart(epoch, after: entry.offset - 1, &steps) }
        advance(to: entry, epoch)
        steps.append(isPast(epoch, entry.offset) ? .keep(entry) : .deliver(entry))
    }

    private func isPast(_ epoch: UInt64, _ offset: UInt64) -> Bool {
        past.map { $0.epoch == epoch && offset <= $0.offset } ?? false
    }

    private mutating func advance(to entry: StreamEntry, _ epoch: UInt64) {
        mark = Mark(epoch: epoch, offset: entry.offset, timeMicroseconds: entry.timeMicroseconds)
    }

    // MARK: - Held messages

    private mutating func hold(_ entry: StreamEntry, _ epoch: UInt64) {
        guard state != .lost else { return }
        if mark == nil, earliest == nil { earliest = (epoch, entry.offset) }
        heldBytes += entry.payload?.count ?? 0
        held.append((epoch, entry))
        guard held.count > StreamFollower.maxHeldMessages || heldBytes > StreamFollower.maxHeldBytes else { return }
        forgetHeld()
        hasMissed = true
    }

    /// Delivers what was held; returns false if there is a hole, so that another read is needed.
    private mutating func takeHeld(_ steps: inout [Step]) -> Bool {
        let held = self.held
        var isWhole = !hasMissed
        forgetHeld()
        for (epoch, entry) in held where isWhole {
            // Those of the epoch before are gone; whether it is that or a newer one, a read tells.
            guard let mark, epoch == mark.epoch, entry.offset <= mark.offset + 1 else {
                isWhole = false
                continue
            }
            take(entry, epoch, &steps)
        }
        return isWhole
    }

    private mutating func forgetHeld() {
        held = []
        heldBytes = 0
        hasMissed = false
    }
}
