public import Channels

/// Writes the `id:` of each event of a stream of several channels: a cursor over all of them.
///
/// It differs from client to client, so it is not part of the text that all clients share.
public final class EventNumbers: MessagePrefix {
    private var cursor: EventCursor
    private let takesOthers: Bool

    /// - Parameters:
    ///   - cursor: where the client is before the first message.
    ///   - takesOthers: whether channels are added that the cursor does not know; those of a wildcard would fill it.
    public init(from cursor: EventCursor, takesOthers: Bool = true) {
        self.cursor = cursor
        self.takesOthers = takesOthers
    }

    /// Appends the id of a message's event; nothing if its channel keeps no history.
    public func append(before message: Message, to text: inout [UInt8]) {
        guard let position = message.position, takesOthers || cursor[message.channel] != nil else { return }
        cursor[message.channel] = position
        EventText.append(id: cursor, to: &text)
    }
}

@available(*, unavailable)
extension EventNumbers: Sendable {}
