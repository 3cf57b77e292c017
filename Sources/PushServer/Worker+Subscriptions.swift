internal import Broker
internal import Bytes
internal import Channels
internal import Protocols
internal import WSLoop
internal import WebSocket

extension Worker {
    /// What reads a connection's messages, and words the answers.
    func session(of connection: Connection) -> any ClientSession {
        ClientProtocols.all[hub.form(of: connection.slot).encoder].session()
    }

    /// Answers a client's message.
    func take(_ step: ClientStep, _ connection: Connection) {
        switch step {
        case .run(let command, let id): run(command, id: id, connection)
        case .reply(let text): reply(text, to: connection)
        }
    }

    /// Does what a client asks for.
    private func run(_ command: ClientCommand, id: [UInt8], _ connection: Connection) {
        switch command {
        case .ping: reply(.pong, to: id, of: connection)
        case .subscribe(let channels, let replace): subscribe(connection, to: channels, replace: replace, id: id)
        case .unsubscribe(let channels): unsubscribe(connection, from: channels, id: id)
        case .publish(let channel, let data, let key): publish(data, to: channel, key: key, id: id, connection)
        }
    }

    /// Tells a client what came of a command.
    func reply(_ outcome: CommandOutcome, to id: [UInt8], of connection: Connection) {
        reply(session(of: connection).reply(to: id, outcome), to: connection)
    }

    /// Takes an interest in channels.
    ///
    /// - Returns: how many of them are not confirmed yet.
    func acquire(_ channels: [String], for connection: Connection) -> Int {
        var unconfirmed = 0
        for channel in channels
        where !state.directory.acquire(channel, loop: index) && !broker.subscribe(channel) {
            unconfirmed += 1
            waiting[ByteName(channel), default: []].append(connection.key)
        }
        return unconfirmed
    }

    /// Does what a connection asked for once its channels are confirmed.
    func wait(toComplete action: PendingAction, _ connection: Connection) {
        connection.pause.insert(.subscribing)
        connection.pending = action
    }

    /// A channel is confirmed, or need not be waited for any longer.
    func confirm(_ channel: String) {
        for key in waiting.removeValue(forKey: ByteName(channel)) ?? [] {
            guard let connection = connection(key), var action = connection.pending else { continue }
            guard action.confirmsLast() else {
                connection.pending = action
                continue
            }
            connection.pending = nil
            complete(action, connection)
            resume(connection, from: .subscribing)
        }
    }

    /// Gives up what a connection waits for: it ends.
    func abandonPending(_ connection: Connection) {
        guard let pending = connection.pending else { return }
        connection.pending = nil
        if case .open = pending { state.places.releaseWebSocket() }
        for channel in pending.channels { abandon(channel, connection) }
    }

    /// Ends all subscriptions of a connection.
    func releaseAll(_ connection: Connection) {
        let channels = hub.channelNames(of: connection.slot)
        hub.leaveAll(connection.slot)
        for channel in channels { release(channel) }
    }

    /// A channel that nobody waits for any more may never be settled, so its entry goes with the last who waits.
    private func abandon(_ channel: String, _ connection: Connection) {
        let name = ByteName(channel)
        waiting[name]?.removeAll { $0 == connection.key }
        if waiting[name]?.isEmpty == true { waiting[name] = nil }
        release(channel)
    }

    func release(_ channel: String) {
        if state.directory.release(channel, loop: index) { broker.unsubscribe(channel) }
    }

    private func complete(_ action: PendingAction, _ connection: Connection) {
        switch action {
        case .open(let acceptance, let channels, _): finishOpening(connection, acceptance, channels: channels)
        case .subscribe(let joining): finish(joining, connection)
        case .answerPublish, .confirmPublish: break
        }
    }

    private func publish(_ data: [UInt8], to channel: String, key: String?, id: [UInt8], _ connection: Connection) {
        guard state.configuration.allowsClientPublish else {
            return reply(.refused(.clientsMayNotPublish), to: id, of: connection)
        }
        guard hub.isMember(connection.slot, of: channel) else {
            return reply(.refused(.notSubscribed), to: id, of: connection)
        }
        if key != nil, let keyRefusal { return reply(.refused(.noKeys(keyRefusal)), to: id, of: connection) }
        publish(
            data, to: channel, key: key, from: .client, for: connection,
            then: .confirmPublish(channel: channel, id: id))
    }
}
