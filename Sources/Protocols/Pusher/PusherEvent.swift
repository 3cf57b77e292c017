internal import Bytes

/// An event of Pusher's kind as the payload of a message: a JSON object with `event` and `data`, and nothing else but
/// `user_id`, `channel` and `socket_id`.
///
/// Whatever publishes such an object to a channel, its clients get it as this event. The channel is always that of the
/// message.
public struct PusherEvent {
    /// The longest name of an event.
    public static let maxNameBytes = 200
    static let maxClientDataBytes = 10_240

    private static let members = ["event", "data", "channel", "user_id", "socket_id"]
    private static let clientPrefix = "client-"
    /// With it begins the payload of an event that one connection does not get.
    private static let exclusion = Array("{\"socket_id\":\"".utf8)

    /// The name as JSON text.
    let name: [UInt8]
    /// JSON text: a string, except in events of clients, who get what the sender has sent.
    let data: [UInt8]?
    /// The sender's user as JSON text.
    let user: [UInt8]?

    /// Nil for any other payload.
    init?(parsing payload: [UInt8]) {
        guard payload.first == UInt8(ascii: "{"), let object = try? JSONObject(parsing: payload.rawSpan),
            object.names.allSatisfy({ PusherEvent.members.contains($0) }), !object.hasDuplicates,
            let name = object.string("event"), PusherEvent.isValid(name)
        else { return nil }
        let isClients = name.hasPrefix(PusherEvent.clientPrefix)
        guard let data = object.rawRange(of: "data") else {
            guard isClients else { return nil }
            self.init(name: name, data: nil, user: object.string("user_id"))
            return
        }
        let text = Array(payload[data])
        let isString = if case .string = object["data"] { true } else { false }
        self.init(
            name: name, data: isClients || isString ? text : PusherEvent.string(text), user: object.string("user_id"))
    }

    private init(name: String, data: [UInt8]?, user: String?) {
        (self.name, self.data, self.user) = (JSON.string(name), data, user.map { JSON.string($0) })
    }

    /// Whether clients send such events to each other.
    var isOfClient: Bool { name.starts(with: Array("\"\(PusherEvent.clientPrefix)".utf8)) }

    /// Whether an event may have this name: those of the protocol come from the server only.
    public static func isValid(_ name: String) -> Bool {
        1...maxNameBytes ~= name.utf8.count && !name.hasPrefix("pusher:") && !name.hasPrefix("pusher_internal:")
    }

    /// A text as a JSON string.
    static func string(_ text: [UInt8]) -> [UInt8] {
        var string: [UInt8] = []
        JSON.appendString(text.rawSpan, to: &string)
        return string
    }

    /// The payload of an event.
    ///
    /// - Parameters:
    ///   - data: JSON text.
    ///   - user: the user who sends it, in a presence channel.
    ///   - excluded: the connection that does not get it, by its name.
    public static func payload(
        _ name: String, data: [UInt8]?, user: String? = nil, excluding excluded: String? = nil
    ) -> [UInt8] {
        var text = JSONObjectWriter()
        if let excluded { text.member("socket_id", excluded) }
        text.member("event", name)
        if let data { text.member("data", raw: data) }
        if let user { text.member("user_id", user) }
        return text.finish()
    }

    /// The connection that does not get a message with this payload; nil for most.
    public static func excluded(by payload: [UInt8]) -> SocketID? {
        guard payload.starts(with: exclusion),
            let end = payload[exclusion.count...].firstIndex(of: UInt8(ascii: "\""))
        else { return nil }
        return SocketID(String(decoding: payload[exclusion.count..<end], as: UTF8.self))
    }
}
