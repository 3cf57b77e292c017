/// Encodes messages for the clients of one protocol.
///
/// Called once per message and wire form, never per delivery, on the thread of any loop.
public protocol MessageEncoder: Sendable {
    /// Whether each text goes into a WebSocket frame; if not, it is sent as it is.
    var isFramed: Bool { get }

    /// Whether each message has a `MessagePrefix` of its subscriber before its text, so that it is written for each.
    var isPrefixed: Bool { get }

    /// Appends a message's text in UTF-8, without the frame around it.
    func encode(_ message: Message, into text: inout [UInt8])

    /// Appends the text of a notice about a channel's messages.
    ///
    /// - Returns: false, and nothing is appended, if the protocol has no such notice.
    func encode(_ notice: DeliveryNotice, of channel: String, into text: inout [UInt8]) -> Bool
}

extension MessageEncoder {
    /// True.
    public var isFramed: Bool { true }
    /// False.
    public var isPrefixed: Bool { false }
}

/// Writes what one subscriber gets before each message.
public protocol MessagePrefix: AnyObject {
    /// Appends what comes before a message that is sent now.
    func append(before message: Message, to text: inout [UInt8])
}

/// A notice about a channel, such as messages that a subscriber did not get.
public enum DeliveryNotice: Equatable, Sendable {
    /// This many messages were dropped, because the subscriber is too slow.
    case missed(count: Int)
    /// Messages of the last seconds may have been lost on their way to this process.
    case gap(seconds: Double)
    /// Messages of the channel's history are gone; later ones follow behind this place.
    case lost(next: StreamPosition)
    /// An event with a name, as the JSON text that clients get.
    case event(name: String, text: [UInt8])
    /// The channel has this many subscriptions, on all nodes.
    case subscriptions(count: Int)
}
