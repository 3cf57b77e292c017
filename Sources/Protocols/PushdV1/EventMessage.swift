internal import Access
internal import Bytes

/// The messages that tell a client what happens to its connection, as JSON objects.
enum EventMessage {
    static func text(for event: ConnectionEvent) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("event", event.name)
        switch event {
        case .hello(let connection, let user, let pingSeconds):
            text.member("connection", connection)
            text.member("user", user)
            text.member("ping_s", pingSeconds)
        case .expiring(let seconds):
            text.member("in_s", seconds)
        case .subscribed(let channel, let history):
            text.member("channel", channel)
            add(history, to: &text)
        case .nothingKept(let channel): text.member("channel", channel)
        case .watching(let online): text.member("online", online.count { $0 })
        case .unsubscribed(let channel, let denial):
            addRemoval(from: channel, denial.message, code: JSON.string(denial.code), to: &text)
        case .removed(let channel, let reason, let code):
            addRemoval(from: channel, reason, code: code, to: &text)
        }
        return text.finish()
    }

    /// The place of a subscription in the channel's history, and whether everything after another place follows.
    static func add(_ history: HistoryReport?, to text: inout JSONObjectWriter) {
        if let isRecovered = history?.isRecovered {
            text.member("recovered", raw: Array((isRecovered ? "true" : "false").utf8))
        }
        if let position = history?.position { HistoryText.add(position, to: &text) }
    }

    private static func addRemoval(
        from channel: String, _ reason: String, code: [UInt8], to text: inout JSONObjectWriter
    ) {
        text.member("channel", channel)
        text.member("reason", reason)
        text.member("code", raw: code)
    }

    /// Messages of a channel that a client asked for are not kept any more.
    static func gap(in channel: String, _ history: HistoryReport) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("event", "gap")
        text.member("channel", channel)
        add(history, to: &text)
        return text.finish()
    }

    /// The end of the connection.
    static func close(code: UInt16, reason: String) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("event", "close")
        text.member("code", Int(code))
        text.member("reason", reason)
        return text.finish()
    }
}

extension ConnectionEvent {
    /// Its name in messages.
    var name: String {
        switch self {
        case .hello: "hello"
        case .expiring: "expiring"
        case .subscribed: "subscribed"
        case .nothingKept: "nothing_kept"
        case .watching: "watching"
        case .unsubscribed, .removed: "unsubscribed"
        }
    }
}
