/// What a client asks for, whatever protocol it speaks.
public enum ClientCommand: Equatable, Sendable {
    /// To be answered.
    case ping
    /// To subscribe to channels; with `replace`, to leave all others first.
    case subscribe([String], replace: Bool)
    /// To leave channels.
    case unsubscribe([String])
    /// To publish to a channel; `key` says what the message replaces where messages are conflated.
    case publish(channel: String, data: [UInt8], key: String?)
}

/// What came of a command; of one that names several channels, of each of them.
public enum CommandOutcome: Equatable, Sendable {
    /// The answer to a ping.
    case pong
    /// The client is subscribed to the channel, or was before.
    case subscribed(channel: String)
    /// The client is not subscribed to the channel any more, or was not before.
    case unsubscribed(channel: String)
    /// The message is on its way to the channel's subscribers.
    case published(channel: String)
    /// Nothing was done; `channel` is there if the refusal is about one of several.
    case refused(CommandRefusal, channel: String? = nil)
}

/// Why a command is not done.
public enum CommandRefusal: Error, Equatable, Sendable {
    /// A connection has so many channels at most.
    case tooManyChannels(limit: Int)
    /// A client sends so many messages a second at most.
    case tooManyMessages(limit: Int)
    /// Clients only listen.
    case clientsMayNotPublish
    /// A client publishes only to channels that it is subscribed to.
    case notSubscribed
    /// Messages have no keys here; the reason.
    case noKeys(String)
    /// The server holds too much for slow clients.
    case overBudget
    /// A message could not be published; the reason.
    case publishFailed(String)

    /// One sentence for the client.
    public var message: String {
        switch self {
        case .tooManyChannels(let limit): "at most \(limit) channels (--max-channels)"
        case .tooManyMessages(let limit): "at most \(limit) messages a second (--max-message-rate)"
        case .clientsMayNotPublish: "clients may not publish here (--allow-client-publish)"
        case .notSubscribed: "only to a channel that was subscribed to"
        case .overBudget: "clients do not keep up and the server is over its budget, retry later"
        case .noKeys(let reason), .publishFailed(let reason): reason
        }
    }
}
