internal import Bytes
internal import Channels

/// Writes each message as an event of its channel: the event that its payload is, or else the event `message`.
struct PusherEncoder: MessageEncoder {
    func encode(_ message: Message, into text: inout [UInt8]) {
        guard message.isText, let event = PusherEvent(parsing: message.payload) else {
            return PusherText.append(
                PusherEncoder.messageEvent, channel: message.channel, data: PusherEncoder.data(of: message), to: &text)
        }
        PusherText.append(event.name, channel: message.channel, data: event.data, user: event.user, to: &text)
    }

    private static let messageEvent = JSON.string("message")

    /// The payload as a string that holds JSON text, since some clients parse whatever they get.
    private static func data(of message: Message) -> [UInt8] {
        let payload = message.payload
        guard message.isText else {
            var base64: [UInt8] = Array("{\"base64\":\"".utf8)
            Base64.encode(payload.rawSpan, to: &base64)
            return PusherEvent.string(base64 + Array("\"}".utf8))
        }
        let isJSON = JSON.isValid(payload.rawSpan)
        return PusherEvent.string(isJSON ? payload : PusherEvent.string(payload))
    }

    /// Members that come and go, and how many subscribe; of lost messages the protocol says nothing.
    func encode(_ notice: DeliveryNotice, of channel: String, into text: inout [UInt8]) -> Bool {
        if case .subscriptions(let count) = notice {
            text += PusherText.subscriptions(count, in: channel)
            return true
        }
        guard case .event(let name, let event) = notice, let change = MemberChange(name: name, parsing: event) else {
            return false
        }
        if let user = PusherChannel.online(in: channel) {
            text += PusherText.watchlist(
                online: change.isArrival ? [user] : [], offline: change.isArrival ? [] : [user])
            return true
        }
        PusherText.append(
            JSON.string(change.event), channel: channel, data: PusherEvent.string(change.data), to: &text)
        return true
    }
}

/// What pushd's own clients are told of a member, in Pusher's words.
private struct MemberChange {
    let isArrival: Bool
    let data: [UInt8]

    var event: String { isArrival ? "pusher_internal:member_added" : "pusher_internal:member_removed" }

    init?(name: String, parsing text: [UInt8]) {
        guard let object = try? JSONObject(parsing: text.rawSpan), let id = object.string("id"),
            let user = object.string("user")
        else { return nil }
        var data = JSONObjectWriter()
        data.member("user_id", user == "anonymous" ? id : user)
        guard name == "join" || name == "leave" else { return nil }
        isArrival = name == "join"
        if isArrival, let info = object.rawRange(of: "info") { data.member("user_info", raw: Array(text[info])) }
        self.data = data.finish()
    }
}
