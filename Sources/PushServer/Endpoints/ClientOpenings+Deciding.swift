internal import Access
internal import Bytes
internal import Channels
internal import HTTP
internal import Hooks
internal import Protocols
internal import WSLoop

/// A request for messages that keeps the rules and has a place.
struct Opening {
    let head: RequestHead
    let transport: ClientTransport
    /// By which it was decided.
    let settings: LiveSettings
    /// What the client wants of channels' histories.
    let histories: [ByteName: HistoryRequest]
    var channels: [String]

    /// Whether it wants anything of histories: a stream wants at least the places where it begins.
    var readsHistories: Bool {
        if case .eventStream = transport { settings.access.channels.keepHistories } else { !histories.isEmpty }
    }

    /// What the client wants of a channel's history; its last event comes before what its URL says.
    func history(of channel: String) -> HistoryRequest? {
        let request = histories[ByteName(channel)]
        guard case .eventStream(let wishes) = transport else { return request }
        let place = wishes.lastEvent.place(in: channel) ?? request?.recover
        return HistoryRequest(recover: place, last: request?.last ?? 0)
    }
}

// What the backend decides, and what follows.
extension ClientOpenings {
    /// Asks the backend, if it is to be asked, whether the client may connect, and who it is.
    func identify(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) -> EndpointAnswer {
        guard headers.keep(opening.head, of: connection) else {
            throw UpgradeRefusal(.headersTooLarge(bytes: KeptHeaders.maxBytes))
        }
        guard backend.answers(.connect) else { return try authorize(connection, opening) }
        let asked = Int(Loop.unixTimeSeconds)
        return ask(.connect, [.channels(opening.channels)], connection, opening) {
            [self] outcomes throws(UpgradeRefusal) in
            var opening = opening
            try take(outcomes[0], connection, &opening, asked: asked)
            if let refusal = revocation(of: connection) { throw refusal }
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
        if case .eventStream = opening.transport, opening.channels.isEmpty {
            throw .badRequest("an event stream needs a channel (channel=)")
        }
        try checkHistories(connection, opening)
        if connection.watchesPresence { try checkPresence(of: opening.channels, connection) }
        let channels = opening.channels
        let unconfirmed = subscriptions.acquire(channels, for: connection.key)
        guard unconfirmed > 0 else { return enter(connection, opening) }
        connection.wait(
            for: Continuation(channels: channels, unconfirmed: unconfirmed) { [self] in
                guard !refuseRevoked(connection, opening) else { return }
                finish(enter(connection, opening), connection, decidedBy: opening.settings)
            } abandoned: { [self] in
                releasePlace()
            })
        return .later
    }

    /// Lets the client in at once, or as soon as the histories were read that it wants.
    private func enter(_ connection: Connection, _ opening: Opening) -> EndpointAnswer {
        let lookups = opening.channels.compactMap { channel in
            let request = opening.readsHistories ? opening.history(of: channel) : nil
            return context.lookup(of: channel, request)
        }
        guard !lookups.isEmpty else { return answer(to: opening, [:]) }
        connection.wait(
            for: Continuation(channels: opening.channels, reading: lookups) { [self] readings in
                guard !refuseRevoked(connection, opening) else { return }
                for isRecovered in readings.values.compactMap(\.isRecovered) { context.count(recovery: isRecovered) }
                finish(answer(to: opening, readings), connection, decidedBy: opening.settings)
            } abandoned: { [self] in
                releasePlace()
            })
        context.readHistories(lookups, for: connection)
        return .later
    }

    /// Refuses a client whose token was revoked while it waited with its channels acquired; false if it was not.
    private func refuseRevoked(_ connection: Connection, _ opening: Opening) -> Bool {
        guard let refusal = revocation(of: connection) else { return false }
        subscriptions.abandon(opening.channels, for: connection.key)
        releasePlace()
        http.refuse(refuse(refusal, opening.head, connection), connection)
        return true
    }

    private func answer(to opening: Opening, _ histories: [ByteName: HistoryReading]) -> EndpointAnswer {
        let channels = opening.channels
        switch opening.transport {
        case .webSocket(let acceptance): return .upgrade(acceptance, channels: channels, after: histories)
        case .session(let acceptance, let own):
            return .upgrade(acceptance, own, channels: channels, after: histories)
        case .eventStream(let wishes):
            let start = StreamStart(
                channels: channels, histories: histories, wrapsMessages: wishes.wrapsMessages,
                announced: Set(opening.histories.keys))
            return .stream(inGzip: wishes.isInGzip) { [streams] in streams.join($0, start) }
        }
    }

    /// The last messages may be older than the client's right to the channel, so they need one of their own.
    private func checkHistories(_ connection: Connection, _ opening: Opening) throws(UpgradeRefusal) {
        for (channel, request) in opening.histories where request.last > 0 {
            if let denial = commands.queries.historyDenial(on: channel.text, connection, isSubscribed: true) {
                throw UpgradeRefusal(Denial(denial, of: channel.text))
            }
        }
    }

    /// The right to subscribe to a channel does not always include its members; without presence there are none.
    private func checkPresence(of channels: [String], _ connection: Connection) throws(UpgradeRefusal) {
        for channel in channels {
            let refusal = commands.queries.presenceRefusal(on: channel, connection, isSubscribed: true)
            if case .denied(let denial) = refusal { throw UpgradeRefusal(Denial(denial, of: channel)) }
        }
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
                let answer = try inPlace { () throws(UpgradeRefusal) in
                    if let refusal = revocation(of: connection) { throw refusal }
                    return try step(outcomes)
                }
                finish(answer, connection, decidedBy: opening.settings)
            } catch {
                // What admission has counted is given back at the end of the connection.
                http.refuse(refuse(error, opening.head, connection), connection)
            }
        }
        return .later
    }

    /// Takes the answer to whether the client may connect.
    private func take(
        _ outcome: HookOutcome, _ connection: Connection, _ opening: inout Opening, asked: Int
    ) throws(UpgradeRefusal) {
        guard case .answered(let answer) = outcome else {
            if backend.denial(outcome) != nil { throw UpgradeRefusal(Denial.undecided) }
            return
        }
        guard answer.isAllowed else { throw UpgradeRefusal(Denial.refused(reason: answer.reason)) }
        if let user = answer.user, let claimed = users.name(of: connection), ByteName(user) != ByteName(claimed) {
            throw .badRequest("the backend knows this client as another user than the request names (user_id)")
        }
        guard let identity = connection.identity.adding(answer, asked: asked) else { return }
        connection.identity = identity
        if identity.isNamed { users.note(identity.user, of: connection) }
        opening.channels = ClientOpenings.distinct(opening.channels + answer.channels)
    }
}
