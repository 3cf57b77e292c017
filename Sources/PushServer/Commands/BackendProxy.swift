internal import Access
internal import Hooks
internal import WSLoop

/// A worker's access to the backend: asks for its connections, by messages to the node, and collects the outcomes.
final class BackendProxy {
    /// The questions of a connection that were asked together.
    private struct Request {
        let key: StreamKey
        let then: (Connection, [HookOutcome]) -> Void
        var outcomes: [HookOutcome?]
        var missing: Int
    }

    private let context: LoopContext
    private let users: Users
    private let addresses: ClientAddresses
    private let headers: KeptHeaders
    private var requests: [Int: Request] = [:]
    private var asked = 0

    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        users = connections.users
        addresses = connections.addresses
        headers = connections.headers
    }

    private var hooks: HookConfiguration { context.settings.configuration.hooks }

    /// Whether there is a backend for this kind of question.
    func answers(_ kind: HookKind) -> Bool { hooks.urls[kind] != nil }

    /// Asks the backend about each subject; the connection waits until all outcomes are there.
    ///
    /// - Parameters:
    ///   - abandoned: runs instead of `then` if the connection ends.
    ///   - then: takes the outcomes in the order of the subjects.
    func ask(
        _ kind: HookKind, _ subjects: [Question.Subject], for connection: Connection,
        abandoned: @escaping () -> Void = {}, then: @escaping (Connection, [HookOutcome]) -> Void
    ) {
        asked += 1
        let number = asked
        requests[number] = Request(
            key: connection.key, then: then, outcomes: Array(repeating: nil, count: subjects.count),
            missing: subjects.count)
        connection.wait(
            for: Continuation(endsWithPeer: true) { [self] in
                withdraw(number)
                abandoned()
            })
        let name = "\(context.id(of: connection))"
        let (user, address) = (users.name(of: connection) ?? Users.anonymous, addresses.logged(connection))
        for (part, subject) in subjects.enumerated() {
            let question = Question(
                kind, connection: name, user: user, address: address, headers: headers.fields(of: connection), subject)
            context.tellNode(.ask(question, HookTicket(loop: context.index, request: number, part: part)))
        }
    }

    /// Takes the outcome of a question.
    ///
    /// - Returns: the connection and how to go on, if this was the last one that it waits for.
    func take(_ reply: HookReply) -> (key: StreamKey, proceed: (Connection) -> Void)? {
        guard var request = requests[reply.ticket.request] else { return nil }
        request.outcomes[reply.ticket.part] = reply.outcome
        request.missing -= 1
        requests[reply.ticket.request] = request.missing > 0 ? request : nil
        guard request.missing == 0 else { return nil }
        let outcomes = request.outcomes.compactMap(\.self)
        return (request.key, { request.then($0, outcomes) })
    }

    private func withdraw(_ number: Int) {
        guard let request = requests.removeValue(forKey: number) else { return }
        for part in request.outcomes.indices where request.outcomes[part] == nil {
            context.tellNode(.withdraw(HookTicket(loop: context.index, request: number, part: part)))
        }
    }

    /// Why a client may not do what it wants; nil if it may.
    func denial(_ outcome: HookOutcome) -> ChannelDenial? {
        switch outcome {
        case .answered(let answer): answer.isAllowed ? nil : .refused(reason: answer.reason)
        case .failed: hooks.otherwise == .allow ? nil : .undecided
        }
    }
}

@available(*, unavailable)
extension BackendProxy: Sendable {}
