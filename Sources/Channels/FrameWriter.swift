internal import Bytes
internal import WebSocket

/// Writes the frames of one loop, with encoders shared by all loops and its own compressors.
struct FrameWriter {
    /// By the index in a `WireForm`; nil if subscribers get the published bytes.
    private let encoders: [(any MessageEncoder)?]
    /// One bit per encoder that is not nil, because checking an encoder costs more than checking a bit.
    private let encoderBits: UInt16
    /// One bit per encoder whose texts are sent without a frame.
    private let bareBits: UInt16
    /// One bit per encoder whose subscribers have prefixes of their own.
    private let prefixedBits: UInt16
    private var deflaters = DeflaterSet()

    init(encoders: [(any MessageEncoder)?] = [nil]) {
        precondition((1...WireForm.maxEncoders).contains(encoders.count), "FrameWriter: too many encoders, or none")
        self.encoders = encoders
        encoderBits = FrameWriter.bits(of: encoders) { $0 != nil }
        bareBits = FrameWriter.bits(of: encoders) { $0?.isFramed == false }
        prefixedBits = FrameWriter.bits(of: encoders) { $0?.isPrefixed == true }
    }

    private static func bits(
        of encoders: [(any MessageEncoder)?], where isSet: ((any MessageEncoder)?) -> Bool
    ) -> UInt16 {
        encoders.indices.reduce(0) { isSet(encoders[$1]) ? $0 | 1 << UInt16($1) : $0 }
    }

    /// Appends a message as one frame, or as its encoder's text if that has none.
    mutating func append(_ message: Message, _ form: WireForm, to bytes: inout [UInt8]) {
        guard form.window != nil || hasEncoder(form) else {
            let payload = message.payload
            return FrameEncoder.appendFrame(message.isText ? .text : .binary, payload.rawSpan, to: &bytes)
        }
        appendMade(message, form, to: &bytes)
    }

    /// Appends the encoding that is made once for all loops.
    @inline(never)
    private mutating func appendMade(_ message: Message, _ form: WireForm, to bytes: inout [UInt8]) {
        let encoder = encoders[form.encoder]
        let opcode: Opcode = message.isText || encoder != nil ? .text : .binary
        let text = if let encoder { message.text(form.encoder, encoder) } else { message.payload }
        let deflated = form.window.flatMap { window in
            message.deflated(form) { deflaters.deflate(text.rawSpan, for: window) }
        }
        append(text, deflated, opcode, form, to: &bytes)
    }

    /// Appends a text in a frame or, without one, as it is or as a piece of a body in gzip.
    private func append(
        _ text: [UInt8], _ deflated: [UInt8]?, _ opcode: Opcode, _ form: WireForm, to bytes: inout [UInt8]
    ) {
        switch (isFramed(form), deflated) {
        case (true, let deflated?): FrameEncoder.appendFrame(opcode, rsv1: true, deflated.rawSpan, to: &bytes)
        case (true, nil): FrameEncoder.appendFrame(opcode, text.rawSpan, to: &bytes)
        case (false, let deflated?): GzipBody.append(deflated: deflated.rawSpan, to: &bytes)
        case (false, nil) where form.window != nil: GzipBody.append(text.rawSpan, to: &bytes)
        case (false, nil): bytes.append(contentsOf: text)
        }
    }

    /// Appends what a subscriber gets before a message.
    func append(
        _ prefix: any MessagePrefix, before message: Message, _ form: WireForm, to bytes: inout [UInt8]
    ) {
        guard form.window != nil else { return prefix.append(before: message, to: &bytes) }
        var text: [UInt8] = []
        prefix.append(before: message, to: &text)
        append(text, nil, .text, form, to: &bytes)
    }

    /// The payload of a frame that only one subscriber gets, if it has to be compressed for it.
    mutating func deflated(_ text: RawSpan, _ form: WireForm) -> [UInt8]? {
        guard let window = form.window else { return nil }
        return deflaters.deflate(text, for: window)
    }

    /// Whether an encoder writes for these subscribers; only then can they get notices.
    func hasEncoder(_ form: WireForm) -> Bool { encoderBits >> UInt16(form.encoder) & 1 != 0 }

    /// Whether texts for these subscribers go into frames.
    func isFramed(_ form: WireForm) -> Bool { bareBits >> UInt16(form.encoder) & 1 == 0 }

    /// Whether each of these subscribers has a prefix of its own.
    func isPrefixed(_ form: WireForm) -> Bool { prefixedBits >> UInt16(form.encoder) & 1 != 0 }

    /// Appends a text that is not a message, in the form of messages.
    mutating func append(text: [UInt8], _ form: WireForm, to bytes: inout [UInt8]) {
        append(text, deflated(text.rawSpan, form), .text, form, to: &bytes)
    }

    /// The text of a notice; nil if the protocol has none.
    ///
    /// Clients without an encoder get events as they are, since they have asked for them.
    func text(of notice: DeliveryNotice, in channel: String, _ form: WireForm) -> [UInt8]? {
        if encoders[form.encoder] == nil, case .event(_, let text) = notice { return text }
        var text: [UInt8] = []
        guard let encoder = encoders[form.encoder], encoder.encode(notice, of: channel, into: &text) else { return nil }
        return text
    }

    /// The number of messages compressed since the last call, whether or not they became smaller.
    mutating func takeCompressions() -> Int { deflaters.takeCount() }
}
