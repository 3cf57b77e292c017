// A data message while its frames arrive (RFC 6455 section 5.4). Its bytes are one array that grows geometrically and
// finally becomes the event's payload, so neither many fragments nor a large frame in many reads are copied twice. A
// compressed message is kept compressed until it is complete, so it needs no zlib state until then.

internal import Bytes

/// The data message in progress, if there is one.
struct PartialMessage {
    private(set) var bytes: [UInt8] = []
    private var fragments: UInt32 = 0
    private var utf8 = UTF8Validator()
    /// Text or binary; nil between two messages.
    private var kind: Opcode?
    private var isCompressed = false

    /// Handles the header of a data frame; the limits apply to the announced length, before the payload arrives.
    mutating func begin(_ header: FrameHeader, _ limits: ConnectionMachine.Limits) throws(ProtocolViolation) {
        if header.opcode == .continuation {
            guard kind != nil else { throw .unexpectedContinuation }
        } else {
            guard kind == nil else { throw .interleavedMessage }
            kind = header.opcode
            isCompressed = header.isCompressed
        }
        fragments += 1
        guard fragments <= limits.maxFragments else { throw .tooManyFragments }
        let maxBytes = isCompressed ? limits.maxCompressedBytes : limits.maxMessageBytes
        guard header.payloadBytes <= maxBytes - bytes.count else { throw .messageTooBig }
    }

    /// Appends a piece of a frame's payload; text is validated as it arrives (section 8.1).
    mutating func append(_ piece: RawSpan, key: MaskingKey) throws(ProtocolViolation) {
        let start = bytes.count
        Masking.append(piece, key: key, to: &bytes)
        guard kind == .text, !isCompressed else { return }
        // On a copy, because the span borrows all of self.
        var validator = utf8
        guard validator.consume(bytes.rawSpan.extracting(start...)) else { throw .invalidText }
        utf8 = validator
    }

    /// The complete message, after its last frame.
    mutating func finish(
        _ inflater: Inflater?, _ limits: ConnectionMachine.Limits
    ) throws(ProtocolViolation) -> ConnectionMachine.Event {
        let payload: [UInt8]
        if isCompressed, let inflater {
            payload = try inflater.inflate(bytes.rawSpan, maxBytes: limits.maxMessageBytes)
            guard kind != .text || UTF8Validator.isValid(payload.rawSpan) else { throw .invalidText }
        } else {
            guard utf8.isAtBoundary else { throw .truncatedText }
            payload = bytes
        }
        let event: ConnectionMachine.Event = kind == .text ? .text(payload) : .binary(payload)
        self = PartialMessage()
        return event
    }
}
