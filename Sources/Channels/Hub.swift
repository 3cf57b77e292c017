internal import Bytes

/// The connections, channels and outboxes of one loop.
///
/// Publishing only marks: `deliver` appends to a channel's batch and writes nothing. `flush`, at the end of the loop's
/// turn, writes once to each marked connection. Confined to its loop's thread; does no I/O itself.
public final class Hub {
    /// The hub's counts since the last call of `takeCounts`.
    public struct Counts: Sendable {
        /// Messages that the kernel accepted completely for a subscriber.
        public internal(set) var deliveries = 0
        /// Bytes that the kernel accepted.
        public internal(set) var sentBytes = 0
        /// Messages that were dropped for slow consumers, by `DropCause`.
        public internal(set) var dropped: [5 of Int] = .init(repeating: 0)
        /// Messages that were still queued when their connection ended.
        public internal(set) var droppedByClosing = 0
        /// Messages that were compressed, each counted once for all subscribers with the same form.
        public internal(set) var compressions = 0
    }

    /// The most message bytes that may be queued for one connection.
    public let outboxLimitBytes: Int
    let policies: SlowConsumerPolicies
    /// Not weak: that would give the transport a side table, which triples the cost of each retain and release.
    unowned var transport: (any HubTransport)?
    // Unchecked (docs/decisions/0009): touched for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) var subscribers: ContiguousArray<Subscriber> = []
    @safe @exclusivity(unchecked) var freeSlots: [UInt32] = []
    @safe @exclusivity(unchecked) var channels: ContiguousArray<Channel?> = []
    var freeChannels: [UInt32] = []
    @safe @exclusivity(unchecked) var channelByName: [ByteName: Channel] = [:]
    @safe @exclusivity(unchecked) var dirtyChannels: [Channel] = []
    @safe @exclusivity(unchecked) var markedSlots: [UInt32] = []
    /// The writes for the transport, and the batches that they refer to.
    let prepared = PreparedWrites()
    @safe @exclusivity(unchecked) var preparedBatches: [Batch] = []
    @safe @exclusivity(unchecked) var events = HubEventQueue()
    /// Slots of removed connections that an event may still refer to.
    @safe @exclusivity(unchecked) var retiredSlots: [UInt32] = []
    /// A nested flush would empty the lists of the outer one, so it traps.
    var isFlushing = false
    @safe @exclusivity(unchecked) var pool = BatchPool()
    @safe @exclusivity(unchecked) var writer: FrameWriter
    @safe @exclusivity(unchecked) var counts = Counts()
    @safe @exclusivity(unchecked) var queuedBytesTotal = 0
    /// Bytes already sent of the batches at the front of blocked outboxes, which stay in memory until the batch is
    /// finished.
    @safe @exclusivity(unchecked) var sentBytesHeldTotal = 0
    var memberships = 0
    /// The memory of the open channels: their names and objects.
    public internal(set) var channelBytes = 0
    @safe @exclusivity(unchecked) var receivedNanoseconds: [UInt64] = []
    /// The number of channels in the last flush that had several messages.
    public internal(set) var busyChannelsFlushed = 0

    /// Makes an empty hub.
    ///
    /// - Parameters:
    /// - outboxLimitBytes: the most message bytes that may be queued for one connection.
    /// - policies: which messages to drop when the limit is reached.
    /// - encoders: the encoders, by the index in a `WireForm`; nil for the published bytes unchanged, in a text frame
    ///   if they are valid UTF-8, else in a binary one.
    public init(
        outboxLimitBytes: Int, policies: SlowConsumerPolicies = SlowConsumerPolicies(),
        encoders: [(any MessageEncoder)?] = [nil]
    ) {
        self.outboxLimitBytes = outboxLimitBytes
        self.policies = policies
        writer = FrameWriter(encoders: encoders)
    }

    /// Sets the transport, which must outlive the hub's use.
    public func attach(_ transport: any HubTransport) {
        self.transport = transport
    }

    /// The number of channels with subscribers on this loop.
    public var channelCount: Int { channelByName.count }
    /// The number of subscriptions.
    public var subscriptionCount: Int { memberships }
    /// Bytes queued for all connections together.
    public var queuedBytes: Int { queuedBytesTotal }

    /// Bytes in memory for the queues, including bytes already sent of batches that are not finished.
    public var heldBytes: Int { queuedBytesTotal + sentBytesHeldTotal }

    /// Returns the counts since the last call.
    public func takeCounts() -> Counts {
        counts.compressions = writer.takeCompressions()
        defer { counts = Counts() }
        return counts
    }

    /// Returns when the messages of the last flushes were received, in nanoseconds.
    public func takeReceivedNanoseconds() -> [UInt64] {
        guard !receivedNanoseconds.isEmpty else { return [] }
        defer { receivedNanoseconds.removeAll(keepingCapacity: true) }
        return receivedNanoseconds
    }

    /// Adds a connection.
    ///
    /// - Returns: its slot, which identifies it until `remove`.
    public func add(link: Int32) -> UInt32 {
        if let slot = freeSlots.popLast() {
            subscribers[Int(slot)] = Subscriber(link: link)
            return slot
        }
        subscribers.append(Subscriber(link: link))
        return UInt32(subscribers.count - 1)
    }

    /// Sets a connection's wire form; call it before the connection joins a channel.
    public func setForm(_ form: WireForm, of slot: UInt32) {
        precondition(subscribers[Int(slot)].channelCount == 0, "the form of a subscriber cannot change")
        subscribers[Int(slot)].form = form
        subscribers[Int(slot)].outbox?.tellsMissed = writer.hasEncoder(form)
    }

    /// The wire form of a connection.
    public func form(of slot: UInt32) -> WireForm { subscribers[Int(slot)].form }

    /// Removes a connection: leaves its channels and drops its queue.
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

    /// Bytes of replies queued for a connection; channel messages, which have their own limit, are not included.
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
