/// Reads what a client sends, and words the answers to it.
///
/// A session that remembers nothing needs no memory: it is made for each message.
public protocol ClientSession {
    /// What to do about a text message, which is valid UTF-8.
    func step(text: RawSpan) -> ClientStep

    /// What to do about a binary message.
    func step(binary: RawSpan) -> ClientStep

    /// The text that tells a client what came of a command.
    ///
    /// - Parameter id: what the client named the command by; empty if it did not.
    func reply(to id: [UInt8], _ outcome: CommandOutcome) -> [UInt8]
}

/// What to do about a client's message.
public enum ClientStep: Equatable, Sendable {
    /// Run a command, and reply with its id and outcome.
    case run(ClientCommand, id: [UInt8])
    /// Send a text: the message is no command.
    case reply([UInt8])
}
