// A data message while its frames come in (RFC 6455 section 5.4). Its bytes are one array that grows geometrically and
// in the end becomes the event's payload: neither many fragments nor a large frame in many reads are copied twice.

internal import Bytes

/// The data message in progress, if there is one.
struct PartialMessage {
    private(set) var bytes: [UInt8] = []
    private var fragments = 0
    private var utf8 = UTF8Validator()
    /// Text or binary; nil between two messages.
    private var kind: Opcode?

    /// Takes the header of a data frame; the limits apply to what it announces, before any of it has come.
    mutating func begin(_ header: FrameHeader, _ limits: ConnectionMachine.Limits) throws(ProtocolViolation) {
        if header.opcode == .continuation {
            guard kind != nil else { throw .unexpectedContinuation }
        } else {
            guard kind == nil else { throw .interleavedMessage }
            kind = header.opcode
        }
        fragments += 1
        guard fragments <= limits.maxFragments else { throw .tooManyFragments }
        guard header.payloadBytes <= limits.maxMessageBytes - bytes.count else { throw .messageTooBig }
    }

    /// Takes a piece of a frame's payload; text is checked as it comes (section 8.1).
    mutating func append(_ piece: RawSpan, key: MaskingKey) throws(ProtocolViolation) {
        let start = bytes.count
        Masking.append(piece, key: key, to: &bytes)
        guard kind == .text else { return }
        // On a copy, because the span borrows all of self.
        var validator = utf8
        guard validator.consume(bytes.rawSpan.extracting(start...)) else { throw .invalidText }
        utf8 = validator
    }

    /// The whole message, after its last frame.
    mutating func finish() throws(ProtocolViolation) -> ConnectionMachine.Event {
        guard utf8.isAtBoundary else { throw .truncatedText }
        let event: ConnectionMachine.Event = kind == .text ? .text(bytes) : .binary(bytes)
        self = PartialMessage()
        return event
    }
}
