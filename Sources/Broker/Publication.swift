/// A message to publish.
public struct Publication: Sendable, Equatable {
    /// The channel it goes to.
    public let channel: String
    /// The published bytes.
    public let payload: [UInt8]
    /// The conflation key: for slow consumers, a later message with the same key replaces this one.
    public let key: String?
    /// The name of the connection that does not get it; nil for none.
    public let excluded: String?
    /// What a repeat on any node has, too: within some minutes it is not published again; nil for none.
    public let id: String?
    /// The growing message that it is a piece of; nil for an ordinary message.
    public let piece: Piece?

    /// Publishes a payload to a channel.
    public init(
        channel: String, payload: [UInt8], key: String? = nil, excluded: String? = nil, id: String? = nil,
        piece: Piece? = nil
    ) {
        self.channel = channel
        self.payload = payload
        self.key = key
        self.excluded = excluded
        self.id = id
        self.piece = piece
    }
}

extension Publication {
    /// What a piece says of the message that it is appended to.
    public struct Piece: Sendable, Equatable {
        /// The name of the growing message.
        public let name: String
        /// Whether the message has ended with it.
        public let isLast: Bool
        /// How many bytes the message had before it; nil if the broker does not say.
        public let start: Int?

        /// A piece of the message with a name.
        public init(of name: String, isLast: Bool, from start: Int? = nil) {
            (self.name, self.isLast, self.start) = (name, isLast, start)
        }
    }
}

/// Identifies a connection, such as the one that waits for the outcome of a publish; a broker only passes it on.
public struct PublishTicket: Sendable, Equatable {
    /// The index of the connection's loop.
    public let loop: Int
    /// The connection's slot there.
    public let slot: UInt32
    /// Distinguishes successive users of this slot.
    public let generation: UInt32
    /// Which of several publishes that the connection waits for.
    public let part: UInt32

    /// Identifies a connection of a loop.
    public init(loop: Int, slot: UInt32, generation: UInt32, part: UInt32 = 0) {
        self.loop = loop
        self.slot = slot
        self.generation = generation
        self.part = part
    }
}

/// The outcome of a publish.
public typealias PublishOutcome = Result<Published, BrokerFailure>

/// A message that the broker has accepted.
public struct Published: Sendable, Equatable {
    /// The number of this node's subscribers that it was handed to; nil if it comes back from the broker like any other
    /// message.
    public let subscribers: Int?

    /// A message that was accepted.
    public init(subscribers: Int? = nil) {
        self.subscribers = subscribers
    }
}

/// Why a message was not published, or may not have been.
public struct BrokerFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The reason in the broker's words, for the publisher.
    public let description: String
    /// Whether the message exceeds a limit, so that publishing it again is of no use.
    public let isTooLarge: Bool

    /// A failure with its reason.
    public init(_ description: String, isTooLarge: Bool = false) {
        self.description = description
        self.isTooLarge = isTooLarge
    }
}
