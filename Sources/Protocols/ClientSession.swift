public import Access

/// Parses a client's messages and encodes the replies.
///
/// A session without state needs no memory: it is created for each message.
public protocol ClientSession {
    /// Handles a text message, which is valid UTF-8.
    func step(text: RawSpan) -> ClientStep

    /// Handles a binary message.
    func step(binary: RawSpan) -> ClientStep

    /// The reply to a command; nil if its protocol has none.
    ///
    /// - Parameter id: the client's id of the command; empty if it has none.
    func reply(to id: [UInt8], _ outcome: CommandOutcome) -> [UInt8]?

    /// The message that tells the client of an event; nil if its protocol has none.
    func text(for event: ConnectionEvent) -> [UInt8]?
}

/// What happens to a connection without a command of its client.
public enum ConnectionEvent: Equatable, Sendable {
    /// The connection is open; silent clients are pinged after so many seconds.
    case hello(connection: String, user: String, pingSeconds: Int)
    /// The token expires in so many seconds.
    case expiring(seconds: Int)
    /// The client has joined a channel that its URL names, and gets what it wanted of the history.
    case subscribed(channel: String, HistoryReport)
    /// The client wanted the last messages of a channel that it has joined, and none is kept.
    case nothingKept(channel: String)
    /// Of each channel that the client watches since it has signed in, whether its user is there.
    case watching(online: [Bool])
    /// The client was removed from a channel that it may not be in any more.
    case unsubscribed(channel: String, ChannelDenial)
    /// An admin has removed the client from a channel; `code` is JSON.
    case removed(channel: String, reason: String, code: [UInt8])
}

/// How to handle a client's message.
public enum ClientStep: Equatable, Sendable {
    /// Run a command, and reply with its id and outcome.
    case run(ClientCommand, id: [UInt8])
    /// Send a text: the message is not a command.
    case reply([UInt8])
    /// Do nothing.
    case nothing
}
