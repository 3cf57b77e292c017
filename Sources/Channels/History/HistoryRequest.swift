/// What a subscriber wants of a channel's history before it gets live messages.
public struct HistoryRequest: Equatable, Sendable {
    /// The last message that it has, whose successors it wants; nil if it resumes nothing.
    public var recover: StreamPosition?
    /// How many of the last messages are wanted if nothing is recovered.
    public var last: Int

    /// A request; without arguments only for the channel's position.
    public init(recover: StreamPosition? = nil, last: Int = 0) {
        self.recover = recover
        self.last = last
    }
}

/// A request for the history of one channel.
public struct HistoryLookup: Sendable {
    /// The channel.
    public let channel: String
    let limits: HistoryLimits?
    let request: HistoryRequest

    /// Asks for the history of a channel, and for what its growing messages have so far.
    ///
    /// - Parameter limits: what the channel keeps; nil for nothing.
    public init(of channel: String, _ limits: HistoryLimits?, _ request: HistoryRequest) {
        (self.channel, self.limits, self.request) = (channel, limits, request)
    }
}

/// A part of a channel's history, read at one moment between two messages.
public struct HistoryReading: Equatable, Sendable {
    /// The place of the last message so far; nil if the channel keeps no history.
    public let position: StreamPosition?
    /// Whether `messages` are all that came after the place to recover from; nil if that was not asked.
    public let isRecovered: Bool?
    /// The messages, in order.
    public let messages: [Message]
    /// What messages that grow have so far; who recovers has got the pieces.
    public internal(set) var growing: [Message] = []

    /// What a subscriber gets before live messages.
    public var joinersMessages: [Message] { messages + growing }

    /// A reading.
    public init(position: StreamPosition?, isRecovered: Bool?, messages: [Message]) {
        self.position = position
        self.isRecovered = isRecovered
        self.messages = messages
    }

    /// Whether both have the same message objects, and say the same of them.
    public static func == (left: HistoryReading, right: HistoryReading) -> Bool {
        left.position == right.position && left.isRecovered == right.isRecovered
            && left.messages.elementsEqual(right.messages, by: ===)
            && left.growing.elementsEqual(right.growing, by: ===)
    }
}
