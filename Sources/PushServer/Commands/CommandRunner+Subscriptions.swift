internal import Broker
internal import Bytes
internal import Channels
internal import Protocols
internal import WSLoop
internal import WebSocket

extension CommandRunner {
    /// Handles a client's message.
    func take(_ step: ClientStep, _ connection: Connection) {
        switch step {
        case .run(let command, let id): run(command, id: id, connection)
        case .reply(let text): webSockets.reply(text, to: connection)
        }
    }

    /// Executes a client's command.
    private func run(_ command: ClientCommand, id: [UInt8], _ connection: Connection) {
        switch command {
        case .ping: webSockets.reply(.pong, to: id, of: connection)
        case .subscribe(let channels, let replace): subscribe(connection, to: channels, replace: replace, id: id)
        case .unsubscribe(let channels): unsubscribe(connection, from: channels, id: id)
        case .publish(let channel, let data, let key): publish(data, to: channel, key: key, id: id, connection)
        }
    }

    /// Registers a connection's interest in channels.
    ///
    /// - Returns: how many of them are not confirmed yet.
    func acquire(_ channels: [String], for connection: Connection) -> Int {
        var unconfirmed = 0
        for channel in channels
        where !context.state.directory.acquire(channel, loop: context.index) && !broker.subscribe(channel) {
            unconfirmed += 1
            waiting[ByteName(channel), default: []].append(connection.key)
        }
        return unconfirmed
    }

    /// Executes a connection's request when its channels are confirmed.
    func wait(toComplete action: PendingAction, _ connection: Connection) {
        connection.pause.insert(.subscribing)
        connection.pending = action
    }

    /// A channel is confirmed, or no longer has to wait.
    func confirm(_ channel: String) {
        for key in waiting.removeValue(forKey: ByteName(channel)) ?? [] {
            guard let connection = table[key], var action = connection.pending else { continue }
            guard action.confirmsLast() else {
                connection.pending = action
                continue
            }
            connection.pending = nil
            complete(action, connection)
            input.resume(connection, from: .subscribing)
        }
    }

    /// A channel without waiting clients may never become ready, so its entry is removed with the last one.
    func abandon(_ channel: String, _ connection: Connection) {
        let name = ByteName(channel)
        waiting[name]?.removeAll { $0 == connection.key }
        if waiting[name]?.isEmpty == true { waiting[name] = nil }
        release(channel)
    }

    func release(_ channel: String) {
        if context.state.directory.release(channel, loop: context.index) { broker.unsubscribe(channel) }
    }

    private func complete(_ action: PendingAction, _ connection: Connection) {
        switch action {
        case .open(let acceptance, let channels, _): webSockets.open(connection, acceptance, channels: channels)
        case .subscribe(let joining): finish(joining, connection)
        case .answerPublish, .confirmPublish: break
        }
    }

    private func publish(_ data: [UInt8], to channel: String, key: String?, id: [UInt8], _ connection: Connection) {
        guard context.state.configuration.allowsClientPublish else {
            return webSockets.reply(.refused(.clientsMayNotPublish), to: id, of: connection)
        }
        guard context.hub.isMember(connection.slot, of: channel) else {
            return webSockets.reply(.refused(.notSubscribed), to: id, of: connection)
        }
        if key != nil, let keyRefusal { return webSockets.reply(.refused(.noKeys(keyRefusal)), to: id, of: connection) }
        publish(
            data, to: channel, key: key, from: .client, for: connection,
            then: .confirmPublish(channel: channel, id: id))
    }
}
