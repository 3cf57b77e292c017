/// How a peer broke RFC 6455 or 7692, or a limit of this end; the connection fails with `closeCode` (section 7.1.7).
public enum ProtocolViolation: Error, Hashable, Sendable {
    /// RSV2 or RSV3 is set, or RSV1 where it does not mark a compressed message (section 5.2, RFC 7692 section 6).
    case reservedBits
    /// An opcode that is reserved for later versions (section 5.2).
    case reservedOpcode(UInt8)
    /// A frame from a client without a mask (section 5.1).
    case unmaskedFrame
    /// A Close frame from a client without a mask; some proxies send one when they stop (section 5.1).
    case unmaskedClose
    /// A frame from a server with a mask (section 5.1).
    case maskedFrame
    /// A control frame without FIN (section 5.5).
    case fragmentedControlFrame
    /// A control frame with a payload of more than 125 bytes (section 5.5).
    case oversizedControlFrame
    /// A length encoded in more bytes than necessary (section 5.2).
    case nonMinimalLength
    /// A 64-bit length with the most significant bit set (section 5.2).
    case lengthTopBitSet
    /// A continuation frame where no message is in progress (section 5.4).
    case unexpectedContinuation
    /// A new message before the fragmented one has ended (section 5.4).
    case interleavedMessage
    /// A message of more than `Limits.maxMessageBytes` (section 10.4).
    case messageTooBig
    /// A message in more than `Limits.maxFragments` frames (section 10.4): endless empty fragments never exceed a size
    /// limit.
    case tooManyFragments
    /// A text message with a byte that is not valid UTF-8 at its position (section 8.1).
    case invalidText
    /// A text message that ends inside a character (section 8.1).
    case truncatedText
    /// A compressed message that is not DEFLATE data, or ends inside a block (RFC 7692 section 7.2.2).
    case invalidDeflate
    /// This end has no memory for decompression.
    case noMemoryToInflate
    /// A Close frame with half a status code (section 5.5.1).
    case truncatedCloseCode
    /// A Close frame with a status code that must not be sent (section 7.4).
    case invalidCloseCode(UInt16)
    /// A Close frame with a reason that is not UTF-8 (section 5.5.1).
    case invalidCloseReason

    /// The status code to close the connection with (section 7.4.1).
    public var closeCode: CloseCode {
        switch self {
        case .messageTooBig, .tooManyFragments: .messageTooBig
        case .invalidText, .truncatedText, .invalidDeflate, .invalidCloseReason: .invalidPayload
        case .noMemoryToInflate: .internalError
        default: .protocolError
        }
    }

    /// Whether the connection fails (section 7.1.7), so that all further input is ignored.
    ///
    /// For a message that is only too big, the closing handshake takes place.
    public var failsConnection: Bool { closeCode != .messageTooBig }

    /// The violation in a few words, for the Close frame and the log.
    public var reason: String {
        switch self {
        case .reservedBits: "reserved bit set"
        case .reservedOpcode(let opcode): "reserved opcode \(opcode)"
        case .unmaskedFrame, .unmaskedClose: "client frame without mask"
        case .maskedFrame: "server frame with a mask"
        case .fragmentedControlFrame: "fragmented control frame"
        case .oversizedControlFrame: "control frame over 125 bytes"
        case .nonMinimalLength: "length not in its shortest form"
        case .lengthTopBitSet: "length with the top bit set"
        case .unexpectedContinuation: "continuation without a message"
        case .interleavedMessage: "new message inside a fragmented one"
        case .messageTooBig: "message too big"
        case .tooManyFragments: "too many fragments"
        case .invalidText: "text is not UTF-8"
        case .truncatedText: "text ends inside a character"
        case .invalidDeflate: "compressed data is damaged"
        case .noMemoryToInflate: "no memory to decompress"
        case .truncatedCloseCode: "close code of one byte"
        case .invalidCloseCode(let code): "close code \(code) not allowed"
        case .invalidCloseReason: "close reason is not UTF-8"
        }
    }
}
