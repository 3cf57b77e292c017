public import Access
public import Channels

/// A client's command, independent of its protocol.
public enum ClientCommand: Equatable, Sendable {
    /// A ping, to be answered.
    case ping
    /// To subscribe to channels.
    case subscribe([String], SubscribeOptions)
    /// To leave channels.
    case unsubscribe([String])
    /// To publish to a channel; `key` is the conflation key.
    case publish(channel: String, data: [UInt8], key: String?)
    /// To send a message to the others in a channel that the client is in; the payload itself leaves the client out.
    /// `perSecond` is how many of them the client may send; nil for no limit.
    case relay(channel: String, data: [UInt8], perSecond: Int? = nil)
    /// To be a user from now on, which the session has verified: the user is then in a channel of its own, and the
    /// client watches such channels of others.
    case signIn(user: String, channel: String, watching: [String])
    /// To read the last messages of a channel.
    case history(channel: String, last: Int)
    /// To list who is in a channel.
    case presence(channel: String)
    /// To replace the connection's token.
    case refresh(token: String)
}

/// The outcome of a command; for one with several channels, of each of them.
public enum CommandOutcome: Equatable, Sendable {
    /// The answer to a ping.
    case pong
    /// The client is subscribed to the channel, or already was; `members` are those of a channel that it has joined as
    /// one of them.
    case subscribed(channel: String, HistoryReport? = nil, members: PresenceList? = nil)
    /// The client is no longer subscribed to the channel, or was not before.
    case unsubscribed(channel: String)
    /// The message is on its way to the channel's subscribers.
    case published(channel: String)
    /// The client is this user.
    case signedIn(user: String)
    /// The last messages of a channel.
    case history(channel: String, HistoryReading)
    /// Who is in a channel.
    case presence(channel: String, PresenceList)
    /// The new token counts, for so many seconds; nil if it does not end.
    case refreshed(seconds: Int?)
    /// Nothing was done; `channel` is set if the refusal is about one of several.
    case refused(CommandRefusal, channel: String? = nil)
}

/// Why a command is refused.
public enum CommandRefusal: Error, Equatable, Sendable {
    /// A connection may have at most this many channels.
    case tooManyChannels(limit: Int)
    /// A client may send at most this many messages per second.
    case tooManyMessages(limit: Int)
    /// A client may send at most this many messages per second to others in its channels.
    case tooManyRelayed(limit: Int)
    /// A channel may have at most this many members.
    case tooManyMembers(limit: Int)
    /// The client may not do this with the channel.
    case denied(ChannelDenial)
    /// The token was not accepted, for this reason.
    case tokenRefused(String)
    /// The token is another user's.
    case otherUser
    /// The connection has no token that could be replaced.
    case nothingToRefresh
    /// The server holds too many bytes for slow clients.
    case overBudget
    /// The channel keeps no history.
    case noHistory
    /// It is not known who is in the channel.
    case noPresence
    /// Messages after the client's position are gone, and it subscribes only if it gets them all.
    case unrecoverable
    /// A message could not be published, for this reason.
    case publishFailed(String)
    /// A message exceeds a limit, for this reason.
    case tooLarge(String)

    /// One sentence for the client.
    public var message: String {
        switch self {
        case .tooManyChannels(let limit): "at most \(limit) channels (--max-channels)"
        case .tooManyMessages(let limit): "at most \(limit) messages a second (--max-message-rate)"
        case .tooManyRelayed(let limit): "at most \(limit) client events a second (max-client-events)"
        case .tooManyMembers(let limit): "the channel has \(limit) members and no more (max-members)"
        case .denied(let denial): denial.message
        case .tokenRefused(let reason): reason
        case .otherUser: "the token is another user's"
        case .nothingToRefresh: "this connection has no token; connect with one"
        case .overBudget: "clients do not keep up and the server is over its budget, retry later"
        case .noHistory: "this channel keeps no history (--channel)"
        case .noPresence: "this channel has no presence (--channel)"
        case .unrecoverable: "not all messages after this position are kept; read the state again"
        case .publishFailed(let reason), .tooLarge(let reason): reason
        }
    }

    /// A short name for programs, which does not change.
    public var code: String {
        switch self {
        case .tooManyChannels: "too_many_channels"
        case .tooManyMessages, .tooManyRelayed: "too_many_messages"
        case .tooManyMembers: "too_many_members"
        case .denied(let denial): denial.code
        case .tokenRefused: "invalid_token"
        case .otherUser: "wrong_user"
        case .nothingToRefresh: "not_allowed"
        case .overBudget: "over_budget"
        case .noHistory: "no_history"
        case .noPresence: "no_presence"
        case .unrecoverable: "unrecoverable"
        case .publishFailed: "publish_failed"
        case .tooLarge: "too_large"
        }
    }
}
