/// Writes messages as the clients of one protocol read them.
///
/// Called once per message and wire form, never per delivery, on the thread of any loop.
public protocol MessageEncoder: Sendable {
    /// Appends what a message's subscribers get: one text, in UTF-8, without the frame around it.
    func encode(_ message: Message, into text: inout [UInt8])

    /// Appends what a channel's subscribers are told of its messages.
    ///
    /// - Returns: false, and nothing is appended, if the protocol has no such notice.
    func encode(_ notice: DeliveryNotice, of channel: String, into text: inout [UInt8]) -> Bool
}

/// What a subscriber is told of messages of a channel that it does not get.
public enum DeliveryNotice: Equatable, Sendable {
    /// So many messages were dropped because the subscriber is too slow.
    case missed(count: Int)
    /// Messages of the last seconds may have been lost on their way to this process.
    case gap(seconds: Double)
}
