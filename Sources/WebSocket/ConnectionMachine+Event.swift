extension ConnectionMachine {
    /// Complete, unmasked input from a peer.
    public enum Event: Equatable, Sendable {
        /// A text message; its bytes are valid UTF-8.
        case text([UInt8])
        /// A binary message.
        case binary([UInt8])
        /// A fragment that is not the last of its message: nothing to act on, but it counts as work.
        case fragment
        /// A ping; answer with a pong of the same payload (RFC 6455 section 5.5.2).
        case ping([UInt8])
        /// A pong, solicited or not.
        case pong([UInt8])
        /// The peer closes; answer with a Close frame; nil if it gave no code (RFC 6455 section 5.5.1).
        case close(CloseFrame?)
    }

    /// The limits on what one end accepts from a peer (RFC 6455 section 10.4).
    public struct Limits: Sendable {
        /// The largest message in bytes, all fragments together and decompressed.
        public let maxMessageBytes: Int
        /// The most frames in one message.
        public let maxFragments: Int

        /// Limits; usually shared by all connections of a server.
        public init(maxMessageBytes: Int, maxFragments: Int) {
            self.maxMessageBytes = maxMessageBytes
            self.maxFragments = maxFragments
        }

        /// The most bytes that a message within the limit can take on the wire: a byte has at most nine bits in
        /// DEFLATE's fixed code (RFC 1951 section 3.2.6), plus block headers.
        var maxCompressedBytes: Int { maxMessageBytes + maxMessageBytes / 8 + 64 }
    }
}
