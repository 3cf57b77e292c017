internal import Bytes
internal import Channels

/// The replies of `pushd.v1`.
enum ServerReply {
    static func pong(id: [UInt8]) -> [UInt8] {
        object(["action": "pong"], id)
    }

    static func status(_ status: String, channel: String, id: [UInt8]) -> [UInt8] {
        object(["status": status, "channel": channel], id)
    }

    static func subscribed(channel: String, _ history: HistoryReport?, id: [UInt8]) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("status", "subscribed")
        text.member("channel", channel)
        EventMessage.add(history, to: &text)
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }

    static func refreshed(seconds: Int?, id: [UInt8]) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("status", "refreshed")
        if let seconds { text.member("expires_s", seconds) }
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }

    /// The error for a frame that is not a valid command.
    static func error(_ violation: CommandViolation, id: [UInt8] = []) -> [UInt8] {
        object(["error": violation.message, "code": violation.code], id)
    }

    /// The error for a command that is refused, possibly for one of its channels only.
    static func error(_ refusal: CommandRefusal, channel: String?, id: [UInt8]) -> [UInt8] {
        guard let channel else { return object(["error": refusal.message, "code": refusal.code], id) }
        return object(["error": refusal.message, "code": refusal.code, "channel": channel], id)
    }

    private static func object(_ members: KeyValuePairs<String, String>, _ id: [UInt8]) -> [UInt8] {
        var text = JSONObjectWriter()
        for (name, value) in members { text.member(name, value) }
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }
}
