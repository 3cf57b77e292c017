internal import Bytes

/// Something that application servers are told of.
public enum PusherWebhook: Equatable, Sendable {
    /// A channel has got its first subscriber, of all nodes.
    case channelOccupied(String)
    /// A channel has no subscriber any more.
    case channelVacated(String)
    /// A user has come to a presence channel.
    case memberAdded(channel: String, user: String)
    /// A user has gone from it.
    case memberRemoved(channel: String, user: String)
    /// A client has sent something to others; JSON text as it is published.
    case clientEvent(channel: String, payload: [UInt8])
    /// A client has joined a cache channel that keeps no event.
    case cacheMiss(channel: String)
    /// A channel has more or fewer subscriptions than before.
    case subscriptionCount(channel: String, Int)

    /// The event as JSON; nil if no server of Pusher has such a channel or event.
    public var text: [UInt8]? {
        guard let channel = PusherChannel(channel), !channel.isOfUser else { return nil }
        var object = JSONObjectWriter()
        object.member("name", name)
        object.member("channel", channel.name)
        switch self {
        case .channelOccupied, .channelVacated, .cacheMiss: break
        case .memberAdded(_, let user), .memberRemoved(_, let user):
            guard channel.access == .presence else { return nil }
            object.member("user_id", user)
        case .subscriptionCount(_, let count): object.member("subscription_count", count)
        case .clientEvent(_, let payload):
            guard PusherWebhook.add(payload, to: &object) else { return nil }
        }
        return object.finish()
    }

    private var channel: String {
        switch self {
        case .channelOccupied(let channel), .channelVacated(let channel), .memberAdded(let channel, _),
            .memberRemoved(let channel, _), .clientEvent(let channel, _), .cacheMiss(let channel),
            .subscriptionCount(let channel, _):
            channel
        }
    }

    private var name: String {
        switch self {
        case .channelOccupied: "channel_occupied"
        case .channelVacated: "channel_vacated"
        case .memberAdded: "member_added"
        case .memberRemoved: "member_removed"
        case .clientEvent: "client_event"
        case .cacheMiss: "cache_miss"
        case .subscriptionCount: "subscription_count"
        }
    }

    /// Adds what a client of Pusher's has sent; returns false for anything else.
    private static func add(_ payload: [UInt8], to object: inout JSONObjectWriter) -> Bool {
        guard let event = PusherEvent(parsing: payload), event.isOfClient,
            let fields = try? JSONObject(parsing: payload.rawSpan)
        else { return false }
        object.member("event", raw: event.name)
        // A string that holds JSON, as Pusher does it, where the client has sent something else than a string.
        if let data = event.data {
            object.member("data", raw: data.first == UInt8(ascii: "\"") ? data : PusherEvent.string(data))
        }
        if let socket = fields.string("socket_id") { object.member("socket_id", socket) }
        if let user = event.user { object.member("user_id", raw: user) }
        return true
    }
}
