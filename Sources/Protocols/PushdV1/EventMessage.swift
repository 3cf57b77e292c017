internal import Access
internal import Bytes

/// The messages that tell a client what happens to its connection, as JSON objects.
enum EventMessage {
    static func text(for event: ConnectionEvent) -> [UInt8] {
        var text = JSONObjectWriter()
        text.member("event", event.name)
        switch event {
        case .expiring(let seconds):
            text.member("in_s", seconds)
        case .unsubscribed(let channel, let denial):
            text.member("channel", channel)
            text.member("reason", denial.message)
            text.member("code", denial.code)
        }
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
        case .expiring: "expiring"
        case .unsubscribed: "unsubscribed"
        }
    }
}
