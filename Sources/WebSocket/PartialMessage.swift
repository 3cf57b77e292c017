// A data message while its frames come in (RFC 6455 section 5.4). Its bytes are one array that grows geometrically and
// in the end becomes the event's payload: neither many fragments nor a large frame in many reads are copied twice. A
// compressed message is kept as it came and decompressed when it is whole: until then it needs no state of zlib's.

internal import Bytes

/// The data message in progress, if there is one.
struct PartialMessage {
    private(set) var bytes: [UInt8] = []
    private var fragments: UInt32 = 0
    private var utf8 = UTF8Validator()
    /// Text or binary; nil between two messages.
    private var kind: Opcode?
    private var isCompressed = false

    /// Takes the header of a data frame; the limits apply to what it announces, before any of it has come.
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

    /// Takes a piece of a frame's payload; text is checked as it comes (section 8.1).
    mutating func append(_ piece: RawSpan, key: MaskingKey) throws(ProtocolViolation) {
        let start = bytes.count
        Masking.append(piece, key: key, to: &bytes)
        guard kind == .text, !isCompressed else { return }
        // On a copy, because the span borrows all of self.
        var validator = utf8
        guard validator.consume(bytes.rawSpan.extracting(start...)) else { throw .invalidText }
        utf8 = validator
    }

    /// The whole message, after its last frame.
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
