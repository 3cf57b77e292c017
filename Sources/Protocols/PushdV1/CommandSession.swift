internal import Access
internal import Bytes

/// Commands and replies as JSON objects, one per text message; has no state.
struct CommandSession: ClientSession {
    /// Whether the client is told of events; without a subprotocol it gets replies and published bytes only.
    let hasEvents: Bool

    func step(text: RawSpan) -> ClientStep {
        let request = ClientRequest(parsing: text)
        switch request.command {
        case .success(let command): return .run(command, id: request.id)
        case .failure(let violation): return .reply(ServerReply.error(violation, id: request.id))
        }
    }

    func step(binary: RawSpan) -> ClientStep {
        .reply(ServerReply.error(.binary))
    }

    func reply(to id: [UInt8], _ outcome: CommandOutcome) -> [UInt8] {
        switch outcome {
        case .pong: ServerReply.pong(id: id)
        case .subscribed(let channel): ServerReply.status("subscribed", channel: channel, id: id)
        case .unsubscribed(let channel): ServerReply.status("unsubscribed", channel: channel, id: id)
        case .published(let channel): ServerReply.status("published", channel: channel, id: id)
        case .refreshed(let seconds): ServerReply.refreshed(seconds: seconds, id: id)
        case .refused(let refusal, let channel): ServerReply.error(refusal, channel: channel, id: id)
        }
    }

    func text(for event: ConnectionEvent) -> [UInt8]? {
        guard hasEvents else { return nil }
        var text = JSONObjectWriter()
        switch event {
        case .hello(let connection, let user, let pingSeconds):
            text.member("event", "hello")
            text.member("connection", connection)
            text.member("user", user)
            text.member("ping_s", pingSeconds)
        case .expiring(let seconds):
            text.member("event", "expiring")
            text.member("in_s", seconds)
        case .unsubscribed(let channel, let denial):
            CommandSession.unsubscribed(&text, channel, denial.message, code: JSON.string(denial.code))
        case .removed(let channel, let reason, let code):
            CommandSession.unsubscribed(&text, channel, reason, code: code)
        }
        return text.finish()
    }

    private static func unsubscribed(
        _ text: inout JSONObjectWriter, _ channel: String, _ reason: String, code: [UInt8]
    ) {
        text.member("event", "unsubscribed")
        text.member("channel", channel)
        text.member("reason", reason)
        text.member("code", raw: code)
    }
}
