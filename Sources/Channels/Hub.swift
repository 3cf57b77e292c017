internal import Bytes

/// The connections, channels and outboxes of one loop.
///
/// Publishing marks: `deliver` appends to a channel's batch and nothing is written. `flush`, at the end of the loop's
/// turn, writes each marked connection once. Confined to its loop's thread; does no I/O of its own.
public final class Hub {
    /// What the hub counted since it was last asked.
    public struct Counts: Sendable {
        /// Messages that the kernel took for a subscriber, to their last byte.
        public internal(set) var deliveries = 0
        /// Bytes that the kernel took.
        public internal(set) var sentBytes = 0
        /// Messages that slow consumers lost, by `DropCause`.
        public internal(set) var dropped: [5 of Int] = .init(repeating: 0)
        /// Messages that were queued for connections that ended.
        public internal(set) var droppedByClosing = 0
        /// Messages that were compressed; each once for all subscribers with the same form.
        public internal(set) var compressions = 0
    }

    /// The strict bound of what may be queued for one connection.
    public let outboxLimitBytes: Int
    let policies: SlowConsumerPolicies
    /// Not weak: that gives the transport a side table, and makes each retain and release of it three times as dear.
    unowned var transport: (any HubTransport)?
    // Unchecked (docs/decisions/0009): touched for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) var subscribers: ContiguousArray<Subscriber> = []
    @safe @exclusivity(unchecked) var freeSlots: [UInt32] = []
    @safe @exclusivity(unchecked) var channels: ContiguousArray<Channel?> = []
    var freeChannels: [UInt32] = []
    @safe @exclusivity(unchecked) var channelByName: [ByteName: Channel] = [:]
    @safe @exclusivity(unchecked) var dirtyChannels: [Channel] = []
    @safe @exclusivity(unchecked) var markedSlots: [UInt32] = []
    /// What the transport is about to write, and the batches of the pieces in it.
    let prepared = PreparedWrites()
    @safe @exclusivity(unchecked) var preparedBatches: [Batch] = []
    @safe @exclusivity(unchecked) var events = HubEventQueue()
    /// Slots of removed connections that an event may still name.
    @safe @exclusivity(unchecked) var retiredSlots: [UInt32] = []
    /// A flush inside a flush would empty the lists of the outer one, so it traps.
    var isFlushing = false
    @safe @exclusivity(unchecked) var pool = BatchPool()
    @safe @exclusivity(unchecked) var writer: FrameWriter
    @safe @exclusivity(unchecked) var counts = Counts()
    @safe @exclusivity(unchecked) var queuedBytesTotal = 0
    /// Of the batches in front of blocked outboxes: what was sent, and stays in memory until their end is.
    @safe @exclusivity(unchecked) var sentBytesHeldTotal = 0
    var memberships = 0
    /// What the open channels take: their names, and what belongs to each.
    public internal(set) var channelBytes = 0
    @safe @exclusivity(unchecked) var receipts: [UInt64] = []
    /// How many channels of the last flush had several messages.
    public internal(set) var busyChannelsFlushed = 0

    /// Makes an empty hub.
    ///
    /// - Parameters:
    ///   - outboxLimitBytes: the strict bound of what may be queued for one connection.
    ///   - policies: what becomes of what does not fit.
    ///   - encoders: what writes the messages, by the index in a `WireForm`; nil for the published bytes as they are, in a
    ///     text frame if they are valid UTF-8, else in a binary one.
    public init(
        outboxLimitBytes: Int, policies: SlowConsumerPolicies = SlowConsumerPolicies(),
        encoders: [(any MessageEncoder)?] = [nil]
    ) {
        self.outboxLimitBytes = outboxLimitBytes
        self.policies = policies
        writer = FrameWriter(encoders: encoders)
    }

    /// Sets the way out, which must outlive the hub's use.
    public func attach(_ transport: any HubTransport) {
        self.transport = transport
    }

    /// How many channels have subscribers here.
    public var channelCount: Int { channelByName.count }
    /// How many subscriptions there are.
    public var subscriptionCount: Int { memberships }
    /// Bytes queued for all connections together.
    public var queuedBytes: Int { queuedBytesTotal }

    /// Bytes in memory for what is queued: also those already sent of batches whose end is not.
    public var heldBytes: Int { queuedBytesTotal + sentBytesHeldTotal }

    /// Hands over what was counted since the last call.
    public func takeCounts() -> Counts {
        counts.compressions = writer.takeCompressions()
        defer { counts = Counts() }
        return counts
    }

    /// Hands over when the messages that the last flushes wrote had been received, in nanoseconds.
    public func takeReceipts() -> [UInt64] {
        guard !receipts.isEmpty else { return [] }
        defer { receipts.removeAll(keepingCapacity: true) }
        return receipts
    }

    /// Takes a connection in.
    ///
    /// - Returns: its slot, the lowest-cost name for it until `remove`.
    public func add(link: Int32) -> UInt32 {
        if let slot = freeSlots.popLast() {
            subscribers[Int(slot)] = Subscriber(link: link)
            return slot
        }
        subscribers.append(Subscriber(link: link))
        return UInt32(subscribers.count - 1)
    }

    /// Sets in which form a connection gets messages; before its first channel.
    public func setForm(_ form: WireForm, of slot: UInt32) {
        precondition(subscribers[Int(slot)].channelCount == 0, "the form of a subscriber cannot change")
        subscribers[Int(slot)].form = form
        subscribers[Int(slot)].outbox?.tellsMissed = writer.hasEncoder(form)
    }

    /// In which form a connection gets messages.
    public func form(of slot: UInt32) -> WireForm { subscribers[Int(slot)].form }

    /// Forgets a connection: leaves its channels and drops what was queued for it.
    public func remove(_ slot: UInt32) {
        subscribers[Int(slot)].isLost = true
        leaveAll(slot)
        if let outbox = subscribers[Int(slot)].outbox.take() {
            if subscribers[Int(slot)].isBlocked { sentBytesHeldTotal -= outbox.sentBytesHeld }
            queuedBytesTotal -= outbox.queuedBytes
            counts.droppedByClosing += outbox.discardAll()
            pool.give(outbox)
        }
        subscribers[Int(slot)] = Subscriber(link: -1)
        retiredSlots.append(slot)
    }

    /// Bytes of replies queued for a connection; channel messages, which the outbox limit bounds, are not among them.
    public func queuedReplyBytes(of slot: UInt32) -> Int {
        subscribers[Int(slot)].outbox.map { $0.queuedBytes - $0.queuedMessageBytes } ?? 0
    }

    /// Bytes queued for a connection.
    public func queuedBytes(of slot: UInt32) -> Int {
        subscribers[Int(slot)].outbox?.queuedBytes ?? 0
    }
}

@available(*, unavailable)
extension Hub: Sendable {}
