internal import Channels

/// Writes each message as an event.
struct EventEncoder: MessageEncoder {
    private static let envelopes = EnvelopeEncoder()

    let stream: EventStream

    var isFramed: Bool { false }
    var isPrefixed: Bool { stream == .numbered }

    func encode(_ message: Message, into text: inout [UInt8]) {
        if let position = message.position, stream.hasOneChannel {
            var cursor = EventCursor()
            cursor[message.channel] = position
            EventText.append(id: cursor, to: &text)
        }
        guard stream != .payloads || !message.isText else { return EventText.append(message.payload, to: &text) }
        var envelope: [UInt8] = []
        EventEncoder.envelopes.encode(message, into: &envelope)
        EventText.append(envelope, to: &text)
    }

    func encode(_ notice: DeliveryNotice, of channel: String, into text: inout [UInt8]) -> Bool {
        var message: [UInt8] = []
        guard EventEncoder.envelopes.encode(notice, of: channel, into: &message) else { return false }
        EventText.append(message, type: notice.name, to: &text)
        return true
    }
}

extension DeliveryNotice {
    /// The type of its event.
    fileprivate var name: String {
        switch self {
        case .missed: "missed"
        case .gap, .lost: "gap"
        case .event(let name, _): name
        case .subscriptions: "subscriptions"
        }
    }
}
