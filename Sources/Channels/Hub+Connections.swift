internal import Bytes
public import WebSocket

// Connections and what is queued for them.
extension Hub {
    /// Adds a connection.
    ///
    /// - Returns: its slot, which identifies it until `remove`.
    public func add(link: Int32) -> UInt32 { subscribers.add(link: link) }

    /// Sets a connection's wire form; call it before the connection joins a channel.
    public func setForm(_ form: WireForm, of slot: UInt32) { subscribers.setForm(form, of: slot) }

    /// Sets what a connection gets before each message; its form must be one whose encoder has prefixes.
    public func setPrefix(_ prefix: any MessagePrefix, of slot: UInt32) { prefixes[slot] = prefix }

    /// The wire form of a connection.
    public func form(of slot: UInt32) -> WireForm { subscribers[slot].form }

    /// Removes a connection: leaves its channels and drops its queue.
    public func remove(_ slot: UInt32) {
        subscribers[slot].isLost = true
        if !prefixes.isEmpty { prefixes[slot] = nil }
        leaveAll(slot)
        subscribers.remove(slot)
    }

    /// Queues a reply, a control frame or a response for one connection; the next `flush` writes it.
    ///
    /// - Parameter write: appends one frame or one response; it must not call the hub.
    public func reply(_ slot: UInt32, _ write: (inout [UInt8]) -> Void) { subscribers.reply(slot, write) }

    /// Queues a message for one connection, compressed if its form says so.
    public func reply(_ slot: UInt32, _ opcode: Opcode, message: RawSpan) {
        subscribers.reply(slot, opcode, message: message)
    }

    /// Queues a message for one connection, which counts towards its limit.
    public func send(_ message: Message, to slot: UInt32) { send([message], to: slot) }

    /// Queues messages for one connection, after what it was sent so far.
    func send(_ messages: [Message], to slot: UInt32, of channel: Channel? = nil) {
        let batch = subscribers.pool.batch(.messages, of: channel)
        let prefix = prefixes.isEmpty ? nil : prefixes[slot]
        for message in messages {
            batch.appendFrame(of: message, after: prefix, subscribers[slot].form, &subscribers.writer)
        }
        subscribers.queue(batch, 0..<batch.byteCount, for: slot)
    }

    /// The kernel has room again for a blocked connection: the next flush writes to it.
    public func writable(_ slot: UInt32) { subscribers.unblock(slot) }

    /// Whether the connection is waiting for the kernel to have room.
    public func isBlocked(_ slot: UInt32) -> Bool { subscribers[slot].isBlocked }

    /// Takes the next event of a flush; nil when there are no more.
    ///
    /// The caller must take all events after each flush; it may call anything on the hub meanwhile except `flush`.
    public func nextEvent() -> (slot: UInt32, event: HubEvent)? { subscribers.nextEvent() }

    /// Whether anything was marked since the last flush.
    public var hasMarked: Bool { subscribers.hasMarked }
}

// Queued bytes and their limits.
extension Hub {
    /// The most message bytes that may be queued for one connection.
    public var outboxLimitBytes: Int { subscribers.outboxLimitBytes }

    /// Bytes queued for a connection.
    public func queuedBytes(of slot: UInt32) -> Int { subscribers[slot].outbox?.queuedBytes ?? 0 }

    /// Bytes of replies queued for a connection; channel messages, which have their own limit, are not included.
    public func queuedReplyBytes(of slot: UInt32) -> Int { subscribers[slot].queuedReplyBytes }

    /// Bytes queued for all connections together.
    public var queuedBytes: Int { subscribers.queuedBytes }

    /// Bytes in memory for the queues, including bytes already sent of batches that are not finished.
    public var heldBytes: Int { subscribers.queuedBytes + subscribers.sentBytesHeld }

    /// Gives up the connections with the largest queues until `bytes` bytes are freed.
    ///
    /// A message that was begun is finished, unless freeing enough requires dropping it too.
    public func shed(bytes: Int) { subscribers.shed(bytes: bytes) }

    /// Sets whether there are events about dropped messages.
    public func reportDrops(_ isReported: Bool) { subscribers.reportsDrops = isReported }

    /// Returns the counts since the last call.
    public func takeCounts() -> DeliveryCounts { subscribers.takeCounts() }
}
