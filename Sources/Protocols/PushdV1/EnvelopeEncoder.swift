internal import Bytes
internal import Channels

/// Encodes a message as `{"channel":"c","data":…}`, or `{"data":…}` for one to single connections; with its `offset` if
/// the channel keeps a history.
///
/// JSON payloads are included unchanged, other text as a string, and other bytes as `data_base64`. Parts of a growing
/// message are strings even if they look like JSON, so that clients can join them.
struct EnvelopeEncoder: MessageEncoder {
    func encode(_ message: Message, into text: inout [UInt8]) {
        text.reserveCapacity(message.payload.count + message.channel.utf8.count + 52)
        text.append(UInt8(ascii: "{"))
        if !message.channel.isEmpty {
            text.append(contentsOf: "\"channel\":".utf8)
            JSON.appendString(message.channel, to: &text)
            text.append(UInt8(ascii: ","))
        }
        if let offset = message.offset { text.append(contentsOf: "\"offset\":\(offset),".utf8) }
        EnvelopeEncoder.appendPart(of: message, to: &text)
        EnvelopeEncoder.appendData(of: message, to: &text)
        text.append(UInt8(ascii: "}"))
    }

    /// Appends the members that say what the message is of a growing one.
    static func appendPart(of message: Message, to text: inout [UInt8]) {
        guard let part = message.part else { return }
        text.append(contentsOf: "\"id\":".utf8)
        JSON.appendString(part.id, to: &text)
        text.append(contentsOf: (part.kind == .whole ? "," : ",\"append\":true,").utf8)
        if part.kind == .last { text.append(contentsOf: "\"end\":true,".utf8) }
    }

    /// Appends the member that has the payload.
    static func appendData(of message: Message, to text: inout [UInt8]) {
        let payload = message.payload
        if !message.isText {
            text.append(contentsOf: "\"data_base64\":\"".utf8)
            Base64.encode(payload.rawSpan, to: &text)
            text.append(UInt8(ascii: "\""))
        } else if message.part == nil, JSON.isValid(payload.rawSpan) {
            text.append(contentsOf: "\"data\":".utf8)
            text.append(contentsOf: payload)
        } else {
            text.append(contentsOf: "\"data\":".utf8)
            JSON.appendString(payload.rawSpan, to: &text)
        }
    }

    func encode(_ notice: DeliveryNotice, of channel: String, into text: inout [UInt8]) -> Bool {
        var object = JSONObjectWriter()
        switch notice {
        case .event(_, let event):
            text.append(contentsOf: event)
            return true
        case .missed(let count):
            object.member("event", "missed")
            object.member("channel", channel)
            object.member("count", count)
        case .gap(let seconds):
            object.member("event", "gap")
            object.member("channel", channel)
            object.member("seconds", raw: EnvelopeEncoder.tenths(seconds))
        case .lost(let position):
            object.member("event", "gap")
            object.member("channel", channel)
            object.member("recovered", raw: Array("false".utf8))
            HistoryText.add(position, to: &object)
        case .subscriptions: return false
        }
        text.append(contentsOf: object.finish())
        return true
    }

    /// Rounded up to one decimal, and never 0.0.
    private static func tenths(_ seconds: Double) -> [UInt8] {
        let tenths = max(Int((seconds * 10).rounded(.up)), 1)
        return Array("\(tenths / 10).\(tenths % 10)".utf8)
    }
}
