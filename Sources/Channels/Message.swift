internal import Bytes
internal import Synchronization

/// A published message: immutable, shared by all loops and all subscribers.
public final class Message: Sendable {
    /// The channel it goes to.
    public let channel: String
    /// The published bytes.
    public let payload: [UInt8]
    /// Whether the payload is valid UTF-8, and so travels in a text frame.
    public let isText: Bool
    /// What a later message with the same key takes its place by, where a slow consumer's messages are conflated.
    public let key: String?
    /// When this node took it in, in nanoseconds on the monotonic clock.
    public let receivedNanoseconds: UInt64
    private let made = Mutex(MadeForms())

    /// Wraps a payload without copying it.
    public init(channel: String, payload: [UInt8], key: String? = nil, receivedNanoseconds: UInt64) {
        self.channel = channel
        self.key = key
        self.payload = payload
        self.receivedNanoseconds = receivedNanoseconds
        isText = UTF8Validator.isValid(payload.rawSpan)
    }

    /// What was made of the payload so far: once, on demand, for all loops.
    private struct MadeForms {
        var texts: [(encoder: Int, text: [UInt8])] = []
        /// Without a payload where compressing was no use.
        var deflated: [(form: WireForm, payload: [UInt8]?)] = []
    }

    // A loop that needs what another is just making waits for it, which takes no longer than doing it again.

    /// What an encoder writes for the message.
    func text(_ index: Int, _ encoder: any MessageEncoder) -> [UInt8] {
        made.withLock { made in
            if let known = made.texts.first(where: { $0.encoder == index }) { return known.text }
            var text: [UInt8] = []
            encoder.encode(self, into: &text)
            made.texts.append((index, text))
            return text
        }
    }

    /// The compressed payload in a form; nil if compressing is no use.
    func deflated(_ form: WireForm, _ deflate: () -> [UInt8]?) -> [UInt8]? {
        made.withLock { made in
            if let known = made.deflated.first(where: { $0.form == form }) { return known.payload }
            let payload = deflate()
            made.deflated.append((form, payload))
            return payload
        }
    }
}
