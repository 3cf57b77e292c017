/// The type of a frame (RFC 6455 section 5.2); all other values are reserved.
public enum Opcode: UInt8, Sendable {
    /// A further fragment of the message in progress.
    case continuation = 0x0
    /// A message of UTF-8 text, or its first fragment.
    case text = 0x1
    /// A message of bytes, or its first fragment.
    case binary = 0x2
    /// The sender sends nothing more.
    case close = 0x8
    /// A ping; the answer is a pong of the same payload.
    case ping = 0x9
    /// The answer to a ping, or an unsolicited sign of life.
    case pong = 0xA

    /// Whether this is a control frame: never fragmented, at most 125 bytes of payload (RFC 6455 section 5.5).
    public var isControl: Bool { rawValue & 0x8 != 0 }
}
