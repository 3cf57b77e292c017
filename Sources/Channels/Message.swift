internal import Bytes
internal import Synchronization

/// A published message: immutable, shared by all loops and all subscribers.
public final class Message: Sendable {
    /// The channel it goes to; empty for a message to single connections.
    public let channel: String
    /// The published bytes.
    public let payload: [UInt8]
    /// Whether the payload is valid UTF-8 and therefore sent in a text frame.
    public let isText: Bool
    /// The conflation key: for slow consumers, a later message with the same key replaces this one.
    public let key: String?
    /// The connection of a loop that does not get it; nil for none.
    public let excluded: (loop: Int, slot: UInt32, generation: UInt32)?
    /// What it is of a growing message; nil for an ordinary message.
    public let part: GrowingPart?
    /// Its place in the channel's history; nil if the channel keeps none.
    public let position: StreamPosition?
    /// Its channel sends at most the newest message of each key in so many nanoseconds; 0 if it sends all.
    public let intervalNanoseconds: UInt64
    /// When this node received it, in nanoseconds on the monotonic clock.
    public let receivedNanoseconds: UInt64
    private let made = Mutex(MadeForms())

    /// Its number in the channel's history; nil if the channel keeps none.
    public var offset: UInt64? { position?.offset }

    /// Wraps a payload without copying it.
    public init(
        channel: String, payload: [UInt8], key: String? = nil, position: StreamPosition? = nil,
        part: GrowingPart? = nil,
        excluded: (loop: Int, slot: UInt32, generation: UInt32)? = nil, intervalNanoseconds: UInt64 = 0,
        receivedNanoseconds: UInt64
    ) {
        self.excluded = excluded
        self.channel = channel
        self.key = key
        self.position = position
        self.part = part
        self.payload = payload
        self.intervalNanoseconds = intervalNanoseconds
        self.receivedNanoseconds = receivedNanoseconds
        isText = UTF8Validator.isValid(payload.rawSpan)
    }

    /// Forms of the payload made so far: each is made once, on demand, for all loops.
    private struct MadeForms {
        var texts: [(encoder: Int, text: [UInt8])] = []
        /// Without a payload if compression did not help.
        var deflated: [(form: WireForm, payload: [UInt8]?)] = []
    }

    // If another loop is making the same form, this one waits; that takes no longer than doing it again.

    /// An encoder's text for the message.
    func text(_ index: Int, _ encoder: any MessageEncoder) -> [UInt8] {
        made.withLock { made in
            if let known = made.texts.first(where: { $0.encoder == index }) { return known.text }
            var text: [UInt8] = []
            encoder.encode(self, into: &text)
            made.texts.append((index, text))
            return text
        }
    }

    /// The compressed payload for a form; nil if compression does not help.
    func deflated(_ form: WireForm, _ deflate: () -> [UInt8]?) -> [UInt8]? {
        made.withLock { made in
            if let known = made.deflated.first(where: { $0.form == form }) { return known.payload }
            let payload = deflate()
            made.deflated.append((form, payload))
            return payload
        }
    }
}
