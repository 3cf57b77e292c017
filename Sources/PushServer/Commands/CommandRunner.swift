internal import Access
internal import Broker
internal import Bytes
internal import Channels
internal import Hooks
internal import Protocols
internal import WSLoop
internal import WebSocket

/// Executes clients' commands, whatever protocol they use, and continues connections when the answer arrives.
final class CommandRunner {
    let context: LoopContext
    let webSockets: WebSocketExchange
    let subscriptions: Subscriptions
    let queries: ChannelQueries
    let backend: BackendProxy
    let keys: KeyProxy
    let addresses: ClientAddresses
    let limits: ConnectionLimits
    let users: Users
    private let headers: KeptHeaders
    let lives: ConnectionLives
    private let table: ConnectionTable
    private let input: Input
    /// Where this loop publishes and subscribes.
    private let broker: any Broker
    private let endpoint: WebSocketEndpoint
    /// What to do with outcomes whose connections have ended.
    private var orphans: [StreamKey: (PublishOutcome) -> Void] = [:]

    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        table = connections.table
        lives = connections.lives
        webSockets = connections.webSockets
        input = connections.input
        headers = connections.headers
        addresses = connections.addresses
        limits = connections.limits
        users = connections.users
        endpoint = context.settings.configuration.endpoint
        backend = BackendProxy(context, connections)
        keys = KeyProxy(context)
        broker =
            context.state.broker.isEmbedded
            ? EmbeddedBroker { context.broadcast($0) } : BrokerProxy { context.tellNode($0) }
        subscriptions = Subscriptions(
            context.hub, context.state.directory, broker, loop: context.index, notes: context.events,
            presence: context.presence)
        queries = ChannelQueries(context, webSockets, subscriptions)
    }

    /// Publishes a message that comes from a connection.
    ///
    /// - Returns: the outcome; nil if the connection has to wait for it.
    func publish(
        _ publication: Publication, from source: MessageSource, for connection: Connection
    ) -> Result<Published, CommandRefusal>? {
        guard !context.state.bytes.isOverBudget else { return .failure(.overBudget) }
        context.counters.messagesIn[source.rawValue] += 1
        let ticket = PublishTicket(worker: context.index, connection.key)
        return broker.publish(publication, for: ticket)?.mapError(CommandRefusal.init)
    }

    /// Publishes one of several messages that come from a connection.
    ///
    /// - Returns: the outcome; nil if the connection has to wait for it.
    func publish(_ publication: Publication, part: Int, for connection: Connection) -> PublishOutcome? {
        context.counters.messagesIn[MessageSource.http.rawValue] += 1
        return broker.publish(publication, for: PublishTicket(worker: context.index, connection.key, part: part))
    }

    /// Has the outcome that an ending connection waits for handled without it.
    func outlive(_ key: StreamKey, _ then: @escaping (PublishOutcome) -> Void) {
        orphans[key] = then
    }
}

// MARK: - Commands

extension CommandRunner: MessageDelegate {
    func received(_ message: WebSocketMessage, _ connection: Connection) {
        switch (endpoint, message) {
        case (.channels, .text(let text)):
            if let step = webSockets.sessions.step(text: text.rawSpan, of: connection) {
                take(step, connection)
            }
        case (.channels, .binary(let bytes)):
            if let step = webSockets.sessions.step(binary: bytes.rawSpan, of: connection) {
                take(step, connection)
            }
        case (.answering(let answer), _):
            switch answer(message) {
            case .text(let text): webSockets.reply(text, to: connection)
            case .binary(let bytes): context.hub.reply(connection.slot, .binary, message: bytes.rawSpan)
            case .none: break
            }
        }
    }

    /// Handles a client's message.
    private func take(_ step: ClientStep, _ connection: Connection) {
        switch step {
        case .run(let command, let id): run(command, id: id, connection)
        case .reply(let text): webSockets.reply(text, to: connection)
        case .nothing: break
        }
    }

    private func run(_ command: ClientCommand, id: [UInt8], _ connection: Connection) {
        switch command {
        case .ping: webSockets.reply(.pong, to: id, of: connection)
        case .subscribe(let channels, let options): subscribe(connection, to: channels, options, id: id)
        case .unsubscribe(let channels): unsubscribe(connection, from: channels, id: id)
        case .publish(let channel, let data, let key):
            publish(
                Publication(channel: channel, payload: data, key: key), decision(to: .publish, channel, connection),
                id: id, connection)
        case .relay(let channel, let data, let limit):
            guard webSockets.sessions.admitsRelayed(of: connection, below: limit) else {
                context.counters.messagesOverRate += 1
                return webSockets.reply(.refused(.tooManyRelayed(limit: limit ?? 0)), to: id, of: connection)
            }
            publish(
                Publication(channel: channel, payload: data), decision(toRelayIn: channel, connection), id: id,
                connection)
        case .signIn(let user, let channel, let others):
            signIn(connection, as: user, in: channel, watching: others, id: id)
        case .history(let channel, let last): queries.readHistory(connection, of: channel, last: last, id: id)
        case .presence(let channel): queries.listPresence(connection, of: channel, id: id)
        case .refresh(let token): refresh(connection, token, id: id)
        }
    }

    private func signIn(
        _ connection: Connection, as user: String, in channel: String, watching others: [String], id: [UInt8]
    ) {
        // From now on its subscriptions are the user's.
        let channels = context.hub.channelNames(of: connection.slot)
        for channel in channels { context.events?.exited(channel, connection.slot) }
        users.note(user, of: connection)
        context.events?.entered(channels, connection.key)
        webSockets.reply(.signedIn(user: user), to: id, of: connection)
        let online = context.presence?.signsIn(connection, as: user, in: channel, watching: others) ?? []
        if !online.isEmpty { webSockets.tell(.watching(online: online), connection) }
    }

    private func decision(to action: ChannelAction, _ channel: String, _ connection: Connection) -> Decision {
        context.settings.access.channels.decision(
            to: action, channel, by: connection.identity,
            isSubscribed: context.hub.isMember(connection.slot, of: channel))
    }

    /// Those who are in a channel may send each other something there, unless a rule says who may publish.
    private func decision(toRelayIn channel: String, _ connection: Connection) -> Decision {
        guard context.hub.isMember(connection.slot, of: channel) else { return .deny(.notSubscribed) }
        let hasRule = context.settings.access.channels.rule(for: channel)?.publish != nil
        return hasRule ? decision(to: .publish, channel, connection) : .allow
    }

    private func publish(
        _ publication: Publication, _ decision: Decision, id: [UInt8], _ connection: Connection
    ) {
        let channel = publication.channel
        if case .deny(let denial) = decision {
            return webSockets.reply(.refused(.denied(denial)), to: id, of: connection)
        }
        guard decision == .ask else { return publishAllowed(publication, id: id, connection) }
        let subject = Question.Subject.publication(channel: channel, data: publication.payload)
        decide(.publish, [decision], { _ in subject }, for: connection) { [self] connection, denials in
            if let denial = denials[0] {
                webSockets.reply(.refused(.denied(denial)), to: id, of: connection)
            } else {
                publishAllowed(publication, id: id, connection)
            }
        }
    }

    private func publishAllowed(_ publication: Publication, id: [UInt8], _ connection: Connection) {
        if let result = publish(publication, from: .client, for: connection) {
            settle(publication, result, id: id, connection)
        } else {
            connection.wait(for: Continuation { [self] in settle(publication, $0, id: id, connection) })
        }
    }

    private func settle(
        _ publication: Publication, _ result: Result<Published, CommandRefusal>, id: [UInt8], _ connection: Connection
    ) {
        webSockets.reply(CommandOutcome(result, publication.channel), to: id, of: connection)
        guard case .success = result, let events = context.events else { return }
        events.published(publication.payload, to: publication.channel, by: connection)
    }
}

// MARK: - Answers

extension CommandRunner {
    /// A channel is confirmed, or no longer has to wait.
    func confirm(_ channel: String) {
        for key in subscriptions.takeWaiting(for: channel) {
            guard let connection = table[key], let proceed = connection.continuation?.confirmed() else { continue }
            endWait(connection, proceed)
        }
    }

    /// The broker has accepted or refused a connection's publish.
    func published(_ ticket: PublishTicket, _ outcome: PublishOutcome) {
        if !orphans.isEmpty, let then = orphans.removeValue(forKey: ticket.key) { return then(outcome) }
        guard let connection = table[ticket.key],
            let proceed = connection.continuation?.published(outcome, part: Int(ticket.part))
        else { return }
        endWait(connection, proceed)
    }

    /// The histories that a connection waits for were read.
    func read(_ key: StreamKey, _ readings: [HistoryReading]) {
        guard let connection = table[key], let proceed = connection.continuation?.read(readings) else { return }
        endWait(connection, proceed)
    }

    /// The answer that a connection waits for has come.
    func answered(_ key: StreamKey, _ proceed: (Connection) -> Void) {
        guard let connection = table[key], connection.continuation?.awaitsAnswer == true else { return }
        endWait(connection) { proceed(connection) }
    }

    /// Ends the wait of a connection: runs its continuation, then handles the input that came meanwhile.
    private func endWait(_ connection: Connection, _ proceed: () -> Void) {
        connection.continuation = nil
        proceed()
        // It may wait for something else now.
        guard connection.continuation == nil else { return }
        lives.tell(.requestComplete, connection)
        input.resume(connection, from: .waiting)
    }
}

extension CommandRunner: EndingDelegate {
    func abandonContinuation(_ connection: Connection) {
        guard let continuation = connection.continuation.take() else { return }
        subscriptions.abandon(continuation.channels, for: connection.key)
        continuation.abandon()
    }

    func releaseAll(_ connection: Connection) {
        subscriptions.leaveAll(connection.slot)
        context.presence?.leftAll(connection.slot)
        headers.forget(connection)
    }
}

extension CommandRefusal {
    init(_ failure: BrokerFailure) {
        self = failure.isTooLarge ? .tooLarge(failure.description) : .publishFailed(failure.description)
    }
}

extension CommandOutcome {
    fileprivate init(_ result: Result<Published, CommandRefusal>, _ channel: String) {
        switch result {
        case .success: self = .published(channel: channel)
        case .failure(let refusal): self = .refused(refusal)
        }
    }
}
