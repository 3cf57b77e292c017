internal import Broker
internal import Bytes
internal import Channels
internal import HTTP
internal import Protocols
internal import WebSocket

extension PusherAPI {
    private static let unauthorizedCode = CloseCode(rawValue: 4009)

    /// Publishes events, and answers when the broker has all of them.
    func publish(_ triggers: [PusherTrigger], isBatch: Bool, for connection: Connection) -> EndpointAnswer {
        guard !context.state.bytes.isOverBudget else { return .now(.unavailable(CommandRefusal.overBudget.message)) }
        let publications = triggers.flatMap { trigger in
            trigger.channels.map { Publication(channel: $0, payload: trigger.payload) }
        }
        let outcomes = publications.enumerated().map { commands.publish($1, part: $0, for: connection) }
        let respond = { [self] (outcomes: [PublishOutcome]) in response(to: triggers, isBatch, outcomes) }
        guard outcomes.contains(where: { $0 == nil }) else { return .now(respond(outcomes.compactMap(\.self))) }
        connection.wait(
            for: Continuation(outcomes: outcomes) { [http] in http.respond(respond($0), to: connection) })
        return .later
    }

    private func response(to triggers: [PusherTrigger], _ isBatch: Bool, _ outcomes: [PublishOutcome]) -> Response {
        for case .failure(let failure) in outcomes { return .unavailable(failure.description) }
        var answer = JSONObjectWriter()
        if isBatch {
            if triggers.contains(where: { !$0.info.isEmpty }) {
                answer.member(
                    "batch", raw: JSON.array(triggers.map { attributes(of: $0.channels[0], $0.info).finish() }))
            }
        } else if let trigger = triggers.first, !trigger.info.isEmpty {
            var channels = JSONObjectWriter()
            for name in Set(trigger.channels).sorted() {
                channels.member(name, raw: attributes(of: name, trigger.info).finish())
            }
            answer.member("channels", raw: channels.finish())
        }
        return .json(answer.finish())
    }

    /// Ends the connections of a user on all nodes, of whatever protocol; those of Pusher's clients do not come back.
    func terminateConnections(of user: String, _ connection: Connection) -> EndpointAnswer {
        guard ChannelName.isValid(user) else { return .now(.error(.badRequest, "this is no user's name")) }
        let frame = CloseFrame(code: PusherAPI.unauthorizedCode, reason: "the application has ended this connection")
        return requests.carryOut(.disconnect(.user(user), frame), nil, connection)
    }
}
