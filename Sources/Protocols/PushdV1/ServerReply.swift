internal import Bytes

/// The replies of `pushd.v1`.
enum ServerReply {
    static func pong(id: [UInt8]) -> [UInt8] {
        object(["action": "pong"], id)
    }

    static func status(_ status: String, channel: String, id: [UInt8]) -> [UInt8] {
        object(["status": status, "channel": channel], id)
    }

    static func error(_ message: String, id: [UInt8] = []) -> [UInt8] {
        object(["error": message], id)
    }

    /// An error about one channel, possibly of several in a command.
    static func error(_ message: String, channel: String, id: [UInt8]) -> [UInt8] {
        object(["error": message, "channel": channel], id)
    }

    private static func object(_ members: KeyValuePairs<String, String>, _ id: [UInt8]) -> [UInt8] {
        var text = JSONObjectWriter()
        for (name, value) in members { text.member(name, value) }
        if !id.isEmpty { text.member("id", raw: id) }
        return text.finish()
    }
}
