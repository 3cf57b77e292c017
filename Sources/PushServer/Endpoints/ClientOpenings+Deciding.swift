internal import Access
internal import Bytes
internal import HTTP
internal import Hooks
internal import Protocols

/// A request for messages that keeps the rules and has a place.
struct Opening {
    let head: RequestHead
    let transport: ClientTransport
    var channels: [String]
}

// What the backend decides, and what follows.
extension ClientOpenings {
    /// Asks the backend, if it is to be asked, whether the client may connect, and who it is.
    func identify(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) -> EndpointAnswer {
        guard headers.keep(opening.head, of: connection) else {
            throw UpgradeRefusal(.headersTooLarge(bytes: KeptHeaders.maxBytes))
        }
        guard backend.answers(.connect) else { return try authorize(connection, opening) }
        return ask(.connect, [.channels(opening.channels)], connection, opening) {
            [self] outcomes throws(UpgradeRefusal) in
            var opening = opening
            try take(outcomes[0], connection, &opening)
            try checkRights(to: opening.channels, connection)
            return try authorize(connection, opening)
        }
    }

    /// Asks the backend about the channels that a rule leaves to it.
    private func authorize(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) -> EndpointAnswer {
        let undecided = opening.channels.filter { decision(on: $0, connection) == .ask }
        guard !undecided.isEmpty else { return try join(connection, opening) }
        let granted = Set((connection.identity?.channels ?? []).map { ByteName($0) })
        let open = undecided.filter { !granted.contains(ByteName($0)) }
        guard let first = open.first else { return try join(connection, opening) }
        guard backend.answers(.subscribe) else { throw UpgradeRefusal(Denial(.undecided, of: first)) }
        return ask(.subscribe, open.map { .channel($0) }, connection, opening) {
            [self] outcomes throws(UpgradeRefusal) in
            for (channel, outcome) in zip(open, outcomes) {
                if let denial = backend.denial(outcome) { throw UpgradeRefusal(Denial(denial, of: channel)) }
            }
            return try join(connection, opening)
        }
    }

    /// Lets the client in as soon as its channels are confirmed.
    private func join(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) -> EndpointAnswer {
        let channels = opening.channels
        let answer: EndpointAnswer
        switch opening.transport {
        case .webSocket(let acceptance): answer = .upgrade(acceptance, channels: channels)
        case .eventStream(let wrapsMessages):
            guard !channels.isEmpty else { throw .badRequest("an event stream needs a channel (channel=)") }
            let stream = wrapsMessages || channels.count > 1 ? EventStream.envelopes : .payloads
            answer = .stream { [streams] in streams.join($0, channels, as: stream) }
        }
        let unconfirmed = subscriptions.acquire(channels, for: connection.key)
        guard unconfirmed > 0 else { return answer }
        connection.wait(
            for: Continuation(channels: channels, unconfirmed: unconfirmed) { [http] in
                http.perform(answer, connection)
            } abandoned: { [self] in
                releasePlace()
            })
        return .later
    }

    /// Asks the backend, and goes on with the opening when the outcomes are there.
    private func ask(
        _ kind: HookKind, _ subjects: [Question.Subject], _ connection: Connection, _ opening: Opening,
        then step: @escaping ([HookOutcome]) throws(UpgradeRefusal) -> EndpointAnswer
    ) -> EndpointAnswer {
        backend.ask(kind, subjects, for: connection) { [self] in
            releasePlace()
        } then: { [self] connection, outcomes in
            do throws(UpgradeRefusal) {
                http.perform(try inPlace { () throws(UpgradeRefusal) in try step(outcomes) }, connection)
            } catch {
                // What admission has counted is given back at the end of the connection.
                http.refuse(refuse(error, opening.head, connection), connection)
            }
        }
        return .later
    }

    /// Takes the answer to whether the client may connect.
    private func take(
        _ outcome: HookOutcome, _ connection: Connection, _ opening: inout Opening
    ) throws(UpgradeRefusal) {
        guard case .answered(let answer) = outcome else {
            if backend.denial(outcome) != nil { throw UpgradeRefusal(Denial.undecided) }
            return
        }
        guard answer.isAllowed else { throw UpgradeRefusal(Denial.refused(reason: answer.reason)) }
        if let user = answer.user, let claimed = users.name(of: connection), ByteName(user) != ByteName(claimed) {
            throw .badRequest("the backend knows this client as another user than the request names (user_id)")
        }
        guard let identity = connection.identity.adding(answer) else { return }
        connection.identity = identity
        if identity.isNamed { users.note(identity.user, of: connection) }
        opening.channels = ClientOpenings.distinct(opening.channels + answer.channels)
    }
}
