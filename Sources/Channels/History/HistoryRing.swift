internal import DequeModule

/// The last messages of one channel, numbered without holes.
///
/// Times are in nanoseconds on the clock of `Message.receivedNanoseconds`.
struct HistoryRing: Sendable {
    /// What an empty ring is counted as, besides its channel's name.
    static let ownBytes = 320
    /// What a message is counted as, besides its payload.
    static let bytesPerMessage = 128

    private(set) var epoch: String
    private(set) var limits: HistoryLimits
    /// The number of the last message ever added.
    private(set) var lastOffset: UInt64 = 0
    private(set) var lastUsedNanoseconds: UInt64
    /// Of all messages in the ring.
    private(set) var bytes = 0
    private var messages = Deque<Message>()

    init(epoch: String, limits: HistoryLimits, at now: UInt64) {
        (self.epoch, self.limits, lastUsedNanoseconds) = (epoch, limits, now)
    }

    var position: StreamPosition { StreamPosition(epoch: epoch, offset: lastOffset) }
    var messageCount: Int { messages.count }
    /// Whether it should give its messages up before another one does: it has any, and was used less recently.
    func yieldsBefore(_ other: HistoryRing) -> Bool {
        guard messages.isEmpty == other.messages.isEmpty else { return other.messages.isEmpty }
        return lastUsedNanoseconds < other.lastUsedNanoseconds
    }

    private var firstOffset: UInt64 { lastOffset - UInt64(messages.count) + 1 }

    /// Adds the next message, and drops what is beyond the limits now.
    ///
    /// - Parameters:
    ///   - maxBytes: the most bytes of all messages; a message that is larger on its own is numbered, but not kept.
    ///   - make: makes the message with its place.
    mutating func append(
        _ limits: HistoryLimits, maxBytes: Int, at now: UInt64, _ make: (StreamPosition) -> Message
    ) -> Message {
        self.limits = limits
        lastOffset += 1
        let message = make(position)
        messages.append(message)
        bytes += HistoryRing.bytes(of: message)
        lastUsedNanoseconds = now
        while messages.count > limits.maxMessages || bytes > maxBytes { dropFirst() }
        dropOld(at: now)
        return message
    }

    /// Adds a message that was numbered elsewhere; what is not continued by it is dropped.
    ///
    /// - Returns: false if it was added before.
    mutating func append(
        _ message: Message, at position: StreamPosition, _ limits: HistoryLimits, maxBytes: Int, at now: UInt64
    ) -> Bool {
        guard position.offset > (position.epoch == epoch ? lastOffset : 0) else { return false }
        if position.epoch != epoch || position.offset != lastOffset + 1 {
            restart(at: StreamPosition(epoch: position.epoch, offset: position.offset - 1))
        }
        _ = append(limits, maxBytes: maxBytes, at: now) { _ in message }
        return true
    }

    /// Drops all messages; the next one has the number after the position's.
    mutating func restart(at position: StreamPosition) {
        dropAll()
        (epoch, lastOffset) = (position.epoch, position.offset)
    }

    /// Drops messages that are too old.
    mutating func dropOld(at now: UInt64) {
        let age = UInt64(limits.maxAgeSeconds) * 1_000_000_000
        while let first = messages.first, first.receivedNanoseconds + age <= now { dropFirst() }
    }

    /// Drops all messages; their numbers are not used again.
    mutating func dropAll() {
        messages = []
        bytes = 0
    }

    /// Reads what a subscriber wants.
    mutating func read(_ request: HistoryRequest, at now: UInt64) -> HistoryReading {
        lastUsedNanoseconds = now
        dropOld(at: now)
        guard let place = request.recover else { return reading(last: request.last, nil) }
        guard place.epoch.isEmpty || place.epoch == epoch, place.offset <= lastOffset, place.offset + 1 >= firstOffset
        else { return reading(last: request.last, false) }
        return reading(last: Int(lastOffset - place.offset), true)
    }

    private func reading(last count: Int, _ isRecovered: Bool?) -> HistoryReading {
        HistoryReading(position: position, isRecovered: isRecovered, messages: Array(messages.suffix(count)))
    }

    private mutating func dropFirst() {
        bytes -= HistoryRing.bytes(of: messages.removeFirst())
    }

    private static func bytes(of message: Message) -> Int { message.payload.count + bytesPerMessage }
}
