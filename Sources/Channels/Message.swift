internal import Bytes
internal import Synchronization
internal import WebSocket

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
        var envelope: [UInt8]?
        /// By form; without a payload where compressing was no use.
        var deflated: [(form: WireForm, payload: [UInt8]?)] = []
    }

    /// Appends the message as one frame of the given form.
    func appendFrame(_ form: WireForm, _ deflaters: inout DeflaterSet, to bytes: inout [UInt8]) {
        let opcode: Opcode = isText || form.encoding == .envelope ? .text : .binary
        let text = form.encoding == .plain ? payload : envelopeText()
        if let window = form.window, let deflated = deflated(text, form, window, &deflaters) {
            FrameEncoder.appendFrame(opcode, rsv1: true, deflated.rawSpan, to: &bytes)
        } else {
            FrameEncoder.appendFrame(opcode, text.rawSpan, to: &bytes)
        }
    }

    /// Whether a payload is JSON costs a scan to find out.
    private func envelopeText() -> [UInt8] {
        made.withLock { made in
            if let envelope = made.envelope { return envelope }
            let envelope = makeEnvelope()
            made.envelope = envelope
            return envelope
        }
    }

    /// A loop that needs what another is just compressing waits for it, which takes no longer than doing it again.
    private func deflated(
        _ text: [UInt8], _ form: WireForm, _ window: DeflateWindow, _ deflaters: inout DeflaterSet
    ) -> [UInt8]? {
        made.withLock { made in
            if let known = made.deflated.first(where: { $0.form == form }) { return known.payload }
            let payload = deflaters.deflate(text.rawSpan, for: window)
            made.deflated.append((form, payload))
            return payload
        }
    }

    /// What a client that speaks `pushd.v1` is told of messages that were dropped because it was too slow.
    static func missed(_ count: Int, of channel: String) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("event", "missed")
        text.member("channel", channel)
        text.member("count", count)
        return text.finish()
    }

    /// What a client that speaks `pushd.v1` is told when messages of a channel may have been lost on their way here.
    static func gap(_ seconds: Double, in channel: String) -> [UInt8] {
        let tenths = max(Int((seconds * 10).rounded(.up)), 1)
        var text = JSONObjectWriter()
        text.member("event", "gap")
        text.member("channel", channel)
        text.member("seconds", raw: Array("\(tenths / 10).\(tenths % 10)".utf8))
        return text.finish()
    }

    private func makeEnvelope() -> [UInt8] {
        let payload = payload
        var text: [UInt8] = []
        text.reserveCapacity(payload.count + channel.utf8.count + 32)
        text.append(contentsOf: "{\"channel\":".utf8)
        JSON.appendString(channel, to: &text)
        if !isText {
            text.append(contentsOf: ",\"data_base64\":\"".utf8)
            Base64.encode(payload.rawSpan, to: &text)
            text.append(UInt8(ascii: "\""))
        } else if JSON.isValid(payload.rawSpan) {
            text.append(contentsOf: ",\"data\":".utf8)
            text.append(contentsOf: payload)
        } else {
            text.append(contentsOf: ",\"data\":".utf8)
            JSON.appendString(payload.rawSpan, to: &text)
        }
        text.append(UInt8(ascii: "}"))
        return text
    }
}
