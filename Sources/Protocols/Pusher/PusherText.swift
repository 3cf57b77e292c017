internal import Bytes
internal import Channels

/// The frames of the server.
enum PusherText {
    /// Seconds of silence after which clients ask whether the server is still there.
    ///
    /// The server pings silent clients by itself, with frames that a browser does not show to its page.
    private static let activityTimeoutSeconds = 120

    static func established(_ socket: SocketID) -> [UInt8] {
        var data = JSONObjectWriter()
        data.member("socket_id", socket.text)
        data.member("activity_timeout", activityTimeoutSeconds)
        return event("pusher:connection_established", data: PusherEvent.string(data.finish()))
    }

    static let pong = event("pusher:pong", data: Array("{}".utf8))

    /// An error of the connection; clients need its data as an object.
    ///
    /// - Parameter code: nil for one after which the client just goes on.
    static func error(_ code: Int?, _ message: String) -> [UInt8] {
        var data = JSONObjectWriter()
        data.member("code", raw: Array((code.map { String($0) } ?? "null").utf8))
        data.member("message", message)
        return event("pusher:error", data: data.finish())
    }

    static func subscribed(to channel: String, _ members: PresenceList?) -> [UInt8] {
        internalEvent("subscription_succeeded", channel, data: members.map { presence($0) } ?? Array("{}".utf8))
    }

    static func subscriptionError(
        _ channel: String, type: String = "AuthError", _ message: String, status: Int
    ) -> [UInt8] {
        var data = JSONObjectWriter()
        data.member("type", type)
        data.member("error", message)
        data.member("status", status)
        return event("pusher:subscription_error", channel: channel, data: data.finish())
    }

    /// The channel keeps no event for those who come later.
    static func cacheMiss(in channel: String) -> [UInt8] {
        event("pusher:cache_miss", channel: channel, data: nil)
    }

    /// The channel has this many subscriptions.
    static func subscriptions(_ count: Int, in channel: String) -> [UInt8] {
        var data = JSONObjectWriter()
        data.member("subscription_count", count)
        return internalEvent("subscription_count", channel, data: data.finish())
    }

    static func signedIn(userData: String) -> [UInt8] {
        var data = JSONObjectWriter()
        data.member("user_data", userData)
        return event("pusher:signin_success", data: PusherEvent.string(data.finish()))
    }

    /// Which users of the client's watchlist have come, and which have gone.
    static func watchlist(online: [String], offline: [String]) -> [UInt8] {
        let events = [("online", online), ("offline", offline)].filter { !$0.1.isEmpty }.map { name, users in
            var event = JSONObjectWriter()
            event.member("name", name)
            event.member("user_ids", raw: JSON.array(users))
            return event.finish()
        }
        var data = JSONObjectWriter()
        data.member("events", raw: JSON.array(events))
        return event("pusher_internal:watchlist_events", data: PusherEvent.string(data.finish()))
    }

    private static func presence(_ list: PresenceList) -> [UInt8] {
        let ids = list.members.map { $0.isNamed ? $0.user : $0.id }
        var hash = JSONObjectWriter()
        for (id, member) in zip(ids, list.members) { hash.member(id, raw: member.info ?? Array("null".utf8)) }
        var presence = JSONObjectWriter()
        presence.member("ids", raw: JSON.array(ids))
        presence.member("hash", raw: hash.finish())
        presence.member("count", list.count)
        var data = JSONObjectWriter()
        data.member("presence", raw: presence.finish())
        return data.finish()
    }

    private static func internalEvent(_ name: String, _ channel: String, data: [UInt8]) -> [UInt8] {
        event("pusher_internal:\(name)", channel: channel, data: PusherEvent.string(data))
    }

    private static func event(_ name: String, channel: String? = nil, data: [UInt8]?) -> [UInt8] {
        var text: [UInt8] = []
        append(JSON.string(name), channel: channel, data: data, to: &text)
        return text
    }

    /// Appends a frame.
    ///
    /// - Parameters:
    ///   - name: JSON text, like `data` and `user`.
    static func append(
        _ name: [UInt8], channel: String?, data: [UInt8]?, user: [UInt8]? = nil, to text: inout [UInt8]
    ) {
        text.append(contentsOf: "{\"event\":".utf8)
        text.append(contentsOf: name)
        if let channel {
            text.append(contentsOf: ",\"channel\":".utf8)
            JSON.appendString(channel, to: &text)
        }
        if let data {
            text.append(contentsOf: ",\"data\":".utf8)
            text.append(contentsOf: data)
        }
        if let user {
            text.append(contentsOf: ",\"user_id\":".utf8)
            text.append(contentsOf: user)
        }
        text.append(UInt8(ascii: "}"))
    }
}
