extension ConnectionMachine {
    /// Something a peer sent, whole and unmasked.
    public enum Event: Equatable, Sendable {
        /// A text message; its bytes are valid UTF-8.
        case text([UInt8])
        /// A binary message.
        case binary([UInt8])
        /// A frame of a message of which more follow: nothing to act on, but it has cost something.
        case fragment
        /// A ping, to be answered with a pong of the same payload (RFC 6455 section 5.5.2).
        case ping([UInt8])
        /// A pong, asked for or not.
        case pong([UInt8])
        /// The peer closes, to be answered with a Close frame; nil if it gave no code (RFC 6455 section 5.5.1).
        case close(CloseFrame?)
    }

    /// What one end takes from a peer (RFC 6455 section 10.4).
    public struct Limits: Sendable {
        /// The largest message, all fragments together and decompressed.
        public let maxMessageBytes: Int
        /// The most frames one message may consist of.
        public let maxFragments: Int

        /// Limits of a server; usually all its connections share one value.
        public init(maxMessageBytes: Int, maxFragments: Int) {
            self.maxMessageBytes = maxMessageBytes
            self.maxFragments = maxFragments
        }

        /// The most that a message within the limit can take on the wire: a byte has at most nine bits in DEFLATE's fixed
        /// code (RFC 1951 section 3.2.6), and there are block headers.
        var maxCompressedBytes: Int { maxMessageBytes + maxMessageBytes / 8 + 64 }
    }
}
