/// A message that the broker has numbered, because its channel keeps a history.
public struct StreamMessage: Sendable, Equatable {
    /// The message.
    public let publication: Publication
    /// Its place in the history.
    public let place: StreamPlace
    /// How long ago it was published.
    public let ageMilliseconds: UInt64
    /// How it has come here.
    public let arrival: Arrival

    /// How a message has come to a node.
    public enum Arrival: Sendable, Equatable {
        /// When it was published.
        case live
        /// Later, because it was missed.
        case healed
        /// It was published before the node has followed the channel, and is for the history only.
        case past
        /// When it was published, by a wildcard: for its subscribers only, as the node does not follow the channel.
        case passing
    }

    /// A numbered message.
    public init(publication: Publication, place: StreamPlace, ageMilliseconds: UInt64 = 0, arrival: Arrival = .live) {
        self.publication = publication
        self.place = place
        self.ageMilliseconds = ageMilliseconds
        self.arrival = arrival
    }
}

/// What a message that grows by pieces has so far.
public struct GrowingText: Sendable, Equatable {
    /// The name of the message.
    public let name: String
    /// The joined pieces.
    public let payload: [UInt8]
    /// The place of the last piece.
    public let place: StreamPlace

    /// What a message has so far.
    public init(of name: String, payload: [UInt8], place: StreamPlace) {
        (self.name, self.payload, self.place) = (name, payload, place)
    }
}

/// A place in the history of a channel, as the broker numbers it.
public struct StreamPlace: Sendable, Equatable {
    /// The epoch, an opaque text; another one when the broker has forgotten the numbers.
    public let epoch: String
    /// The number of a message, without holes; 0 for the place before the first.
    public let offset: UInt64

    /// A place in a history.
    public init(epoch: String, offset: UInt64) {
        (self.epoch, self.offset) = (epoch, offset)
    }
}

/// What a channel keeps of its messages.
public struct StreamLimits: Sendable, Equatable {
    /// The most messages.
    public let maxMessages: Int
    /// How long a message is kept.
    public let maxAgeSeconds: Int

    /// Limits by number and age.
    public init(maxMessages: Int, maxAgeSeconds: Int) {
        (self.maxMessages, self.maxAgeSeconds) = (maxMessages, maxAgeSeconds)
    }
}

/// A rule for the histories of the channels whose names match a pattern.
public struct StreamRule: Sendable, Equatable {
    /// The pattern, in which `*` stands for any bytes.
    public let pattern: String
    /// What the channels keep; nil for nothing.
    public let limits: StreamLimits?

    /// A rule.
    public init(pattern: String, limits: StreamLimits?) {
        (self.pattern, self.limits) = (pattern, limits)
    }
}
