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
    /// When this node took it in, in nanoseconds on the monotonic clock.
    public let receivedNanoseconds: UInt64
    private let envelope = Mutex<[UInt8]?>(nil)

    /// Wraps a payload without copying it.
    public init(channel: String, payload: [UInt8], receivedNanoseconds: UInt64) {
        self.channel = channel
        self.payload = payload
        self.receivedNanoseconds = receivedNanoseconds
        isText = UTF8Validator.isValid(payload.rawSpan)
    }

    /// Appends the message as one frame in the given encoding.
    func appendFrame(_ encoding: WireEncoding, to bytes: inout [UInt8]) {
        switch encoding {
        case .plain:
            let payload = payload
            FrameEncoder.appendFrame(isText ? .text : .binary, payload.rawSpan, to: &bytes)
        case .envelope:
            let text = envelopeText()
            FrameEncoder.appendFrame(.text, text.rawSpan, to: &bytes)
        }
    }

    /// The envelope is made once, on demand, for all loops: whether a payload is JSON costs a scan to find out.
    private func envelopeText() -> [UInt8] {
        envelope.withLock { made in
            if let made { return made }
            let text = makeEnvelope()
            made = text
            return text
        }
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
