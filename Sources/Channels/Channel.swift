/// A channel's subscribers on one loop, and what was published to it during this turn.
final class Channel {
    /// The subscribers that get the same bytes.
    private struct Audience {
        let form: WireForm
        var slots: [UInt32] = []
        var batch: Batch?
        /// Where in `batch` the messages of some subscribers begin: of those who joined, or were sent a part, this turn.
        var starts: [UInt32: Int] = [:]

        func start(of slot: UInt32) -> Int { starts.isEmpty ? 0 : starts[slot] ?? 0 }
    }

    let name: String
    let index: UInt32
    let policy: SlowConsumerPolicy
    /// Whether its last flush had several messages, and small ones.
    ///
    /// They come faster than they are flushed, and a system call that carries more of them costs no more. Of large ones the
    /// bytes are what costs.
    private(set) var isBusy = false
    /// When the messages of this turn were received.
    @safe @exclusivity(unchecked) private var receipts: [UInt64] = []
    private var payloadBytes = 0
    /// One for each form that has had subscribers: nearly always a single one, six at most.
    // Unchecked (docs/decisions/0009): touched for each message and each membership.
    @safe @exclusivity(unchecked) private var audiences: [Audience] = []

    /// About what one write carries at the price of a small one.
    static let busyBytes = 16_384

    init(name: String, index: UInt32, policy: SlowConsumerPolicy = .disconnect) {
        self.name = name
        self.index = index
        self.policy = policy
    }

    /// Whether messages wait for the flush.
    var isDirty: Bool { !receipts.isEmpty }

    var isEmpty: Bool { audiences.allSatisfy { $0.slots.isEmpty } }

    var subscriberCount: Int { audiences.reduce(0) { $0 + $1.slots.count } }

    /// Adds a subscriber, which gets what is published from now on, and returns its position.
    func add(_ slot: UInt32, _ form: WireForm) -> UInt32 {
        let index = audienceIndex(form)
        audiences[index].slots.append(slot)
        skip(index, slot)
        return UInt32(audiences[index].slots.count - 1)
    }

    /// Removes the subscriber at `position` in constant time.
    ///
    /// - Returns: the slot of the subscriber that now has that position, if one was moved there.
    func remove(at position: UInt32, _ form: WireForm) -> UInt32? {
        let index = audienceIndex(form)
        if !audiences[index].starts.isEmpty { audiences[index].starts[audiences[index].slots[Int(position)]] = nil }
        let last = audiences[index].slots.removeLast()
        guard Int(position) < audiences[index].slots.count else { return nil }
        audiences[index].slots[Int(position)] = last
        return last
    }

    /// Adds the message to the batch of each form that has subscribers.
    ///
    /// - Returns: whether the channel became dirty by it.
    func append(_ message: Message, _ writer: inout FrameWriter, newBatch: () -> Batch) -> Bool {
        for index in audiences.indices where !audiences[index].slots.isEmpty {
            let batch = audiences[index].batch ?? newBatch()
            batch.appendFrame(of: message, audiences[index].form, &writer)
            audiences[index].batch = batch
        }
        receipts.append(message.receivedNanoseconds)
        payloadBytes += message.payload.count
        return receipts.count == 1
    }

    /// How many audiences there are; some may be empty.
    var audienceCount: Int { audiences.count }

    /// The subscribers that get the same bytes, and their form.
    func audience(_ index: Int) -> (form: WireForm, slots: [UInt32]) { (audiences[index].form, audiences[index].slots) }

    /// What this turn brought a subscriber so far; nil if that is nothing.
    func unsent(to slot: UInt32, _ form: WireForm) -> (batch: Batch, bytes: Range<Int>)? {
        let audience = audiences[audienceIndex(form)]
        guard let batch = audience.batch else { return nil }
        let bytes = audience.start(of: slot)..<batch.byteCount
        return bytes.isEmpty ? nil : (batch, bytes)
    }

    /// Leaves what this turn has brought so far out of what the flush sends to a subscriber.
    func skip(_ slot: UInt32, _ form: WireForm) {
        skip(audienceIndex(form), slot)
    }

    private func skip(_ index: Int, _ slot: UInt32) {
        if let batch = audiences[index].batch { audiences[index].starts[slot] = batch.byteCount }
    }

    /// Takes an audience's batch of this turn; nil if there is none.
    ///
    /// `starts` says where in it the messages of some subscribers begin; those of all others begin at 0.
    func takeBatch(ofAudience index: Int) -> (batch: Batch, slots: [UInt32], starts: [UInt32: Int])? {
        guard let batch = audiences[index].batch.take() else { return nil }
        var starts: [UInt32: Int] = [:]
        if !audiences[index].starts.isEmpty { swap(&starts, &audiences[index].starts) }
        return (batch, audiences[index].slots, starts)
    }

    /// Begins the next turn; hands over when the messages of this one had been received.
    func markClean(receipts taken: inout [UInt64]) {
        isBusy = receipts.count > 1 && payloadBytes <= Channel.busyBytes
        payloadBytes = 0
        taken.append(contentsOf: receipts)
        receipts.removeAll(keepingCapacity: true)
    }

    private func audienceIndex(_ form: WireForm) -> Int {
        if let index = audiences.firstIndex(where: { $0.form == form }) { return index }
        audiences.append(Audience(form: form))
        return audiences.count - 1
    }
}
