internal import Bytes

/// The subscribers of a channel or a wildcard on one loop, and the messages of this turn.
final class Channel {
    /// Subscribers that receive the same bytes.
    private struct Audience {
        let form: WireForm
        var slots: [UInt32] = []
        var batch: Batch?
        /// The offsets in `batch` where the messages of some subscribers begin: of those that joined, or were sent a
        /// part, this turn.
        var starts: [UInt32: Int] = [:]

        func start(of slot: UInt32) -> Int { starts.isEmpty ? 0 : starts[slot] ?? 0 }
    }

    let name: String
    let index: UInt32
    /// Whether the messages are those of all channels that belong to it.
    let isWildcard: Bool
    /// Subscribers that get the messages by a wildcard (`Subscriptions`); they are in no audience.
    var covered: Set<UInt32> = []
    /// What happens to its next batches.
    var policy: SlowConsumerPolicy
    /// Whether its last flush had several small messages.
    ///
    /// They arrive faster than they are flushed, and a system call with more of them costs no more. For large messages
    /// the bytes are what costs.
    private(set) var isBusy = false
    /// When this turn's messages were received.
    @safe @exclusivity(unchecked) private var receivedNanoseconds: [UInt64] = []
    private var payloadBytes = 0
    /// One per form that has had subscribers: nearly always one, at most six.
    // Unchecked (docs/decisions/0009): touched for each message and each membership.
    @safe @exclusivity(unchecked) private var audiences: [Audience] = []

    /// About as many bytes as a write can carry at the cost of a small one.
    static let busyBytes = 16_384

    init(name: String, index: UInt32, policy: SlowConsumerPolicy = .disconnect) {
        self.name = name
        self.index = index
        self.policy = policy
        isWildcard = name.isWildcard
    }

    /// Whether messages are waiting for the flush.
    var isDirty: Bool { !receivedNanoseconds.isEmpty }

    var isEmpty: Bool { covered.isEmpty && audiences.allSatisfy { $0.slots.isEmpty } }

    var subscriberCount: Int { audiences.reduce(covered.count) { $0 + $1.slots.count } }

    /// Adds a subscriber for messages from now on, and returns its position.
    func add(_ slot: UInt32, _ form: WireForm) -> UInt32 {
        let index = audienceIndex(form)
        audiences[index].slots.append(slot)
        skip(index, slot)
        return UInt32(audiences[index].slots.count - 1)
    }

    /// Removes the subscriber at `position` in constant time.
    ///
    /// - Returns: the slot of the subscriber that was moved to this position, if any.
    func remove(at position: UInt32, _ form: WireForm) -> UInt32? {
        let index = audienceIndex(form)
        if !audiences[index].starts.isEmpty { audiences[index].starts[audiences[index].slots[Int(position)]] = nil }
        let last = audiences[index].slots.removeLast()
        guard Int(position) < audiences[index].slots.count else { return nil }
        audiences[index].slots[Int(position)] = last
        return last
    }

    /// Adds the message to the batch of each form that has subscribers, unless these have prefixes of their own.
    ///
    /// - Returns: whether this made the channel dirty.
    func append(_ message: Message, _ writer: inout FrameWriter, newBatch: () -> Batch) -> Bool {
        for index in audiences.indices
        where !audiences[index].slots.isEmpty && !writer.isPrefixed(audiences[index].form) {
            let batch = audiences[index].batch ?? newBatch()
            batch.appendFrame(of: message, audiences[index].form, &writer)
            audiences[index].batch = batch
        }
        receivedNanoseconds.append(message.receivedNanoseconds)
        payloadBytes += message.payload.count
        return receivedNanoseconds.count == 1
    }

    /// The number of audiences, including empty ones.
    var audienceCount: Int { audiences.count }

    /// The subscribers that receive the same bytes, and their form.
    func audience(_ index: Int) -> (form: WireForm, slots: [UInt32]) { (audiences[index].form, audiences[index].slots) }

    /// The part of this turn's messages that a subscriber has not been sent; nil if there is none.
    func unsent(to slot: UInt32, _ form: WireForm) -> (batch: Batch, bytes: Range<Int>)? {
        let audience = audiences[audienceIndex(form)]
        guard let batch = audience.batch else { return nil }
        let bytes = audience.start(of: slot)..<batch.byteCount
        return bytes.isEmpty ? nil : (batch, bytes)
    }

    /// Queues the part of this turn's messages that a subscriber has not been sent, so that later output is written
    /// after it.
    func queueUnsent(to slot: UInt32, _ subscribers: inout Subscribers) {
        guard let (batch, bytes) = unsent(to: slot, subscribers[slot].form) else { return }
        subscribers.queue(batch, bytes, for: slot)
    }

    /// Excludes this turn's messages so far from the next flush to a subscriber.
    func skip(_ slot: UInt32, _ form: WireForm) {
        skip(audienceIndex(form), slot)
    }

    private func skip(_ index: Int, _ slot: UInt32) {
        if let batch = audiences[index].batch { audiences[index].starts[slot] = batch.byteCount }
    }

    /// Takes an audience's batch of this turn; nil if there is none.
    ///
    /// `starts` has the offsets where the messages of some subscribers begin; those of all others begin at 0.
    func takeBatch(ofAudience index: Int) -> (batch: Batch, slots: [UInt32], starts: [UInt32: Int])? {
        guard let batch = audiences[index].batch.take() else { return nil }
        var starts: [UInt32: Int] = [:]
        if !audiences[index].starts.isEmpty { swap(&starts, &audiences[index].starts) }
        return (batch, audiences[index].slots, starts)
    }

    /// Begins the next turn; hands over the times at which this turn's messages were received.
    func markClean(receivedNanoseconds taken: inout [UInt64]) {
        isBusy = receivedNanoseconds.count > 1 && payloadBytes <= Channel.busyBytes
        payloadBytes = 0
        taken.append(contentsOf: receivedNanoseconds)
        receivedNanoseconds.removeAll(keepingCapacity: true)
    }

    private func audienceIndex(_ form: WireForm) -> Int {
        if let index = audiences.firstIndex(where: { $0.form == form }) { return index }
        audiences.append(Audience(form: form))
        return audiences.count - 1
    }
}
