public import Bytes
public import Channels

/// Past messages of a channel as JSON.
public enum HistoryText {
    /// `{"history":[{"offset":…,"data":…}],"epoch":"…","offset":…,"channel":"c"}`.
    ///
    /// - Parameter id: the client's id of the command; empty if it has none.
    public static func json(of channel: String, _ reading: HistoryReading, id: [UInt8]) -> [UInt8] {
        let messages = reading.messages.map { message in
            var entry = Array("{\"offset\":\(message.offset ?? 0),".utf8)
            EnvelopeEncoder.appendPart(of: message, to: &entry)
            EnvelopeEncoder.appendData(of: message, to: &entry)
            return entry + [UInt8(ascii: "}")]
        }
        var text = JSONObjectWriter()
        text.member("history", raw: JSON.array(messages))
        if let position = reading.position { add(position, to: &text) }
        text.member("channel", channel)
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }

    /// Adds the members of a place in a history.
    public static func add(_ position: StreamPosition, to text: inout JSONObjectWriter) {
        text.member("epoch", position.epoch)
        text.member("offset", raw: Array("\(position.offset)".utf8))
    }
}
