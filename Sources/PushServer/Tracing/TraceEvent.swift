internal import Access
internal import Bytes
internal import Channels
internal import Protocols
internal import WebSocket

/// What happens to a client.
enum TraceEvent {
    /// It was let in.
    case connected(channels: [String], protocol: String, address: String)
    /// It was not let in.
    case refused(status: Int, reason: String)
    /// A command of the client was executed, or refused.
    case outcome(CommandOutcome)
    /// It was told of something that it has not asked for.
    case told(ConnectionEvent)
    /// A message is on its way to so many subscribers of one loop.
    case message(channel: String, bytes: Int, subscribers: Int)
    /// The kernel takes nothing more for it, because it does not read.
    case blocked(queuedBytes: Int)
    /// Messages for it were dropped, because it is too slow.
    case dropped(messages: Int)
    /// Its connection has ended.
    case closed(CloseReason)

    /// The channel that it is about.
    var channel: String? {
        switch self {
        case .outcome(.subscribed(let channel, _, _)), .outcome(.unsubscribed(let channel)),
            .outcome(.published(let channel)), .outcome(.history(let channel, _)),
            .outcome(.presence(let channel, _)),
            .outcome(.refused(_, let channel?)), .told(.unsubscribed(let channel, _)),
            .told(.removed(let channel, _, _)), .told(.subscribed(let channel, _)),
            .told(.nothingKept(let channel)), .message(let channel, _, _):
            channel
        default: nil
        }
    }

    /// The event as a JSON text.
    ///
    /// - Parameters:
    ///   - milliseconds: when it happened, in Unix time.
    ///   - connection: the connection's name and user; nil if the event is not about one.
    func text(atMilliseconds milliseconds: Int, of connection: (name: String, user: String)?) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("event", name)
        text.member("time_ms", milliseconds)
        if let connection {
            text.member("connection", connection.name)
            text.member("user", connection.user)
        }
        if let channel { text.member("channel", channel) }
        addDetails(to: &text)
        return text.finish()
    }

    private var name: String {
        switch self {
        case .connected: "connected"
        case .refused, .outcome(.refused): "refused"
        case .outcome(.pong): "pinged"
        case .outcome(.subscribed), .told(.subscribed): "subscribed"
        case .outcome(.unsubscribed), .told(.unsubscribed), .told(.removed): "unsubscribed"
        case .outcome(.history): "history"
        case .outcome(.presence): "presence"
        case .told(.hello): "greeted"
        case .told(.nothingKept): "nothing_kept"
        case .told(.watching): "watching"
        case .outcome(.signedIn): "signed_in"
        case .outcome(.published): "published"
        case .outcome(.refreshed): "refreshed"
        case .told(.expiring): "expiring"
        case .message: "message"
        case .blocked: "blocked"
        case .dropped: "dropped"
        case .closed: "closed"
        }
    }

    private func addDetails(to text: inout JSONObjectWriter) {
        switch self {
        case .connected(let channels, let spoken, let address):
            text.member("channels", raw: JSON.array(channels))
            text.member("protocol", spoken)
            text.member("address", address)
        case .refused(let status, let reason):
            text.member("status", status)
            text.member("reason", reason)
        case .outcome(.refused(let refusal, _)):
            text.member("code", refusal.code)
            text.member("reason", refusal.message)
        case .outcome(.refreshed(let seconds?)): text.member("expires_s", seconds)
        case .told(.expiring(let seconds)): text.member("in_s", seconds)
        case .told(.unsubscribed(_, let denial)):
            text.member("code", denial.code)
            text.member("reason", denial.message)
        case .told(.removed(_, let reason, let code)):
            text.member("code", raw: code)
            text.member("reason", reason)
        case .outcome(.history(_, let reading)): text.member("messages", reading.messages.count)
        case .outcome(.presence(_, let list)): text.member("members", list.count)
        case .message(_, let bytes, let subscribers):
            text.member("bytes", bytes)
            text.member("subscribers", subscribers)
        case .blocked(let bytes): text.member("queued_bytes", bytes)
        case .dropped(let messages): text.member("messages", messages)
        case .closed(let reason):
            text.member("reason", reason.label)
            if let (code, _) = reason.closeFrame { text.member("code", Int(code.rawValue)) }
        case .outcome, .told(.hello), .told(.subscribed), .told(.nothingKept), .told(.watching): break
        }
    }
}
