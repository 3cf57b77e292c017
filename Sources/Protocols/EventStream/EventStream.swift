public import Channels

/// Server-sent events (HTML standard, section 9.2): the endless body of a response over HTTP.
///
/// Each message is an event without a type. What happens to the connection, and notices about its messages, are events
/// with a type, so that a page only gets those that it listens for.
public enum EventStream: CaseIterable, Sendable {
    /// Events of one channel have the published text; if a payload is not UTF-8, its envelope.
    case payloads
    /// Events of one channel have the envelopes of `pushd.v1`, which name the channel.
    case envelopes
    /// Events of several channels, none of which keeps a history, have envelopes.
    case joined
    /// Events of several channels have envelopes, and cursors that `EventNumbers` writes.
    case numbered

    /// The name in lists of connections.
    public static let name = "sse"

    /// The media type of the response.
    public static let mediaType = "text/event-stream"

    /// Shows clients, and proxies between, that the connection is alive; an event stream's parser ignores it.
    ///
    /// No empty line follows: some clients, such as httpx-sse, would take that for the end of an event.
    public static let comment = Array(":\n".utf8)

    /// Encodes the messages.
    public var encoder: any MessageEncoder { EventEncoder(stream: self) }

    /// Sets the time after which the client connects again when the stream has ended.
    public static func retry(afterMilliseconds milliseconds: Int) -> [UInt8] {
        Array("retry: \(milliseconds)\n".utf8)
    }

    /// Whether an event's id is the place in one channel's history, which all its clients share.
    var hasOneChannel: Bool { self == .payloads || self == .envelopes }

    /// Gives the client the cursor that it continues from; not an event, as it has no data.
    public static func start(at cursor: EventCursor) -> [UInt8] {
        var text: [UInt8] = []
        EventText.append(id: cursor, to: &text)
        return text + [UInt8(ascii: "\n")]
    }

    /// The event for a channel whose messages since the client's cursor are not all kept.
    public static func gap(in channel: String, _ history: HistoryReport) -> [UInt8] {
        var text: [UInt8] = []
        EventText.append(EventMessage.gap(in: channel, history), type: "gap", to: &text)
        return text
    }

    /// An event without a type.
    public static func message(_ text: [UInt8]) -> [UInt8] {
        var event: [UInt8] = []
        EventText.append(text, to: &event)
        return event
    }

    /// The event that tells the client what happens to its connection.
    public static func text(for event: ConnectionEvent) -> [UInt8] {
        var text: [UInt8] = []
        EventText.append(EventMessage.text(for: event), type: event.name, to: &text)
        return text
    }

    /// The last event of a stream that the server ends, with the code and the reason that a WebSocket would get.
    public static func close(code: UInt16, reason: String) -> [UInt8] {
        var text: [UInt8] = []
        EventText.append(EventMessage.close(code: code, reason: reason), type: "close", to: &text)
        return text
    }
}
