internal import Bytes
public import Channels

/// Past messages of a channel as JSON.
public enum HistoryText {
    /// `{"history":[{"offset":…,"data":…}],"epoch":"…","offset":…,"channel":"c"}`.
    ///
    /// - Parameter id: the client's id of the command; empty if it has none.
    public static func json(of channel: String, _ reading: HistoryReading, id: [UInt8]) -> [UInt8] {
        var list: [UInt8] = [UInt8(ascii: "[")]
        for message in reading.messages {
            if list.count > 1 { list.append(UInt8(ascii: ",")) }
            list.append(contentsOf: "{\"offset\":\(message.offset ?? 0),".utf8)
            EnvelopeEncoder.appendData(of: message, to: &list)
            list.append(UInt8(ascii: "}"))
        }
        list.append(UInt8(ascii: "]"))
        var text = JSONObjectWriter()
        text.member("history", raw: list)
        add(reading.position, to: &text)
        text.member("channel", channel)
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }

    static func add(_ position: StreamPosition, to text: inout JSONObjectWriter) {
        text.member("epoch", position.epoch)
        text.member("offset", raw: Array("\(position.offset)".utf8))
    }
}
