internal import Access
internal import Hooks

extension CommandRunner {
    /// Decides whether a connection may do something with channels; where a rule says so, the backend is asked.
    ///
    /// - Parameters:
    ///   - decisions: what the rules say.
    ///   - subjects: what the backend is asked, for each of them.
    ///   - then: takes why the connection may not, or nil where it may; called at once if nothing is asked.
    func decide(
        _ kind: HookKind, _ decisions: [Decision], _ subject: (Int) -> Question.Subject, for connection: Connection,
        then: @escaping (Connection, [ChannelDenial?]) -> Void
    ) {
        let open = decisions.indices.filter { decisions[$0] == .ask }
        guard !open.isEmpty, backend.answers(kind) else { return then(connection, decisions.map(\.denial)) }
        backend.ask(kind, open.map(subject), for: connection) { [backend] connection, outcomes in
            var denials = decisions.map(\.denial)
            for (index, outcome) in zip(open, outcomes) { denials[index] = backend.denial(outcome) }
            then(connection, denials)
        }
    }

    /// The outcome of a question to the backend has come.
    func settled(_ reply: HookReply) {
        guard let (key, proceed) = backend.take(reply) else { return }
        answered(key, proceed)
    }
}
