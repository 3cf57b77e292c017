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

    func reply(to id: [UInt8], _ outcome: CommandOutcome) -> [UInt8]? {
        switch outcome {
        case .pong: ServerReply.pong(id: id)
        case .subscribed(let channel, let history, _): ServerReply.subscribed(channel: channel, history, id: id)
        case .unsubscribed(let channel): ServerReply.status("unsubscribed", channel: channel, id: id)
        case .published(let channel): ServerReply.status("published", channel: channel, id: id)
        case .history(let channel, let reading): HistoryText.json(of: channel, reading, id: id)
        case .presence(let channel, let list): PresenceText.json(of: channel, list, id: id)
        case .signedIn: nil  // there is no such command
        case .refreshed(let seconds): ServerReply.refreshed(seconds: seconds, id: id)
        case .refused(let refusal, let channel): ServerReply.error(refusal, channel: channel, id: id)
        }
    }

    func text(for event: ConnectionEvent) -> [UInt8]? {
        guard hasEvents else { return nil }
        switch event {
        // What the URL of the client has asked for is confirmed as a command is.
        case .subscribed(let channel, let history): return ServerReply.subscribed(channel: channel, history, id: [])
        case .nothingKept: return nil  // the reply says where the history is
        case .watching: return nil  // nobody signs in
        default: return EventMessage.text(for: event)
        }
    }
}
