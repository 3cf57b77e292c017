internal import Bytes
internal import WebSocket

/// Writes the frames of one loop: with the encoders that all loops share, and with compressors of its own.
struct FrameWriter {
    /// By the index in a `WireForm`; nil where subscribers get the published bytes.
    private let encoders: [(any MessageEncoder)?]
    /// A bit for each of them that is not nil, since to look at an encoder costs more than to look at a bit.
    private let encoderBits: UInt16
    private var deflaters = DeflaterSet()

    init(encoders: [(any MessageEncoder)?] = [nil]) {
        precondition((1...WireForm.maxEncoders).contains(encoders.count), "FrameWriter: too many encoders, or none")
        self.encoders = encoders
        encoderBits = encoders.indices.reduce(0) { encoders[$1] == nil ? $0 : $0 | 1 << UInt16($1) }
    }

    /// Appends a message as one frame.
    mutating func append(_ message: Message, _ form: WireForm, to bytes: inout [UInt8]) {
        guard form.window != nil || hasEncoder(form) else {
            let payload = message.payload
            return FrameEncoder.appendFrame(message.isText ? .text : .binary, payload.rawSpan, to: &bytes)
        }
        appendMade(message, form, to: &bytes)
    }

    /// Appends what is made once for all loops.
    @inline(never)
    private mutating func appendMade(_ message: Message, _ form: WireForm, to bytes: inout [UInt8]) {
        let encoder = encoders[form.encoder]
        let opcode: Opcode = message.isText || encoder != nil ? .text : .binary
        let text = if let encoder { message.text(form.encoder, encoder) } else { message.payload }
        if let window = form.window,
            let deflated = message.deflated(form, { deflaters.deflate(text.rawSpan, for: window) })
        {
            FrameEncoder.appendFrame(opcode, rsv1: true, deflated.rawSpan, to: &bytes)
        } else {
            FrameEncoder.appendFrame(opcode, text.rawSpan, to: &bytes)
        }
    }

    /// The payload of a frame that only one subscriber gets, if it has to be compressed for it.
    mutating func deflated(_ text: RawSpan, _ form: WireForm) -> [UInt8]? {
        guard let window = form.window else { return nil }
        return deflaters.deflate(text, for: window)
    }

    /// Whether an encoder writes what subscribers get; only then they may be told what they do not get.
    func hasEncoder(_ form: WireForm) -> Bool { encoderBits >> UInt16(form.encoder) & 1 != 0 }

    /// What subscribers are told; nil if their protocol has no such notice.
    func text(of notice: DeliveryNotice, in channel: String, _ form: WireForm) -> [UInt8]? {
        var text: [UInt8] = []
        guard let encoder = encoders[form.encoder], encoder.encode(notice, of: channel, into: &text) else { return nil }
        return text
    }

    /// How many messages were compressed since the last call, whether or not it made them smaller.
    mutating func takeCompressions() -> Int { deflaters.takeCount() }
}
