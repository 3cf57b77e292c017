public import Channels

/// How a client subscribes.
public struct SubscribeOptions: Equatable, Sendable {
    /// Whether it leaves all other channels first.
    public var replace: Bool
    /// What it wants of the history; nil if nothing.
    public var history: HistoryRequest?
    /// Whether it does not subscribe if not everything can be recovered.
    public var isStrict: Bool
    /// Whether it is told who comes to the channel and who leaves.
    public var watchesPresence: Bool
    /// Who it is in the channel, and then it is told who else is there; nil if it is the connection's user.
    public var member: ChannelMember?

    /// Options; without arguments a plain subscription.
    public init(
        replace: Bool = false, history: HistoryRequest? = nil, isStrict: Bool = false,
        watchesPresence: Bool = false
    ) {
        self.replace = replace
        self.history = history
        self.isStrict = isStrict
        self.watchesPresence = watchesPresence
    }
}

/// Who a client is in one channel.
public struct ChannelMember: Equatable, Sendable {
    /// The user's name.
    public let user: String
    /// What others see of the user, as JSON text; nil for nothing.
    public let info: [UInt8]?
    /// It does not come to a channel that has so many members; nil for no limit.
    public let limit: Int?

    /// A member.
    public init(user: String, info: [UInt8]?, limit: Int? = nil) {
        (self.user, self.info, self.limit) = (user, info, limit)
    }
}

/// What the reply to a subscription says of the channel's history.
public struct HistoryReport: Equatable, Sendable {
    /// The place of the last message so far; nil if the channel keeps no history.
    public let position: StreamPosition?
    /// Whether all messages after the client's position follow; nil if it did not name one.
    public let isRecovered: Bool?

    /// The report on a reading.
    public init(_ reading: HistoryReading) {
        self.init(position: reading.position, isRecovered: reading.isRecovered)
    }

    /// A report.
    public init(position: StreamPosition?, isRecovered: Bool?) {
        self.position = position
        self.isRecovered = isRecovered
    }
}
