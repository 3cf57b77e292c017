internal import Bytes
internal import Channels
internal import WSLoop
internal import WebSocket

extension Worker {
    /// Does what a client asks for.
    func perform(_ request: ClientRequest, _ connection: Connection) {
        switch request.command {
        case .failure(let violation):
            reply(ServerReply.error(violation.message, id: request.id), to: connection)
        case .success(.ping):
            reply(ServerReply.pong(id: request.id), to: connection)
        case .success(.subscribe(let channel, let replace)):
            subscribe(connection, to: channel, replace: replace, id: request.id)
        case .success(.unsubscribe(let channel)):
            if hub.leave(connection.slot, channel) { release(channel) }
            reply(ServerReply.status("unsubscribed", channel: channel, id: request.id), to: connection)
        case .success(.publish(let channel, let data, let key)):
            publish(data, to: channel, key: key, id: request.id, connection)
        }
    }

    /// Takes an interest in channels.
    ///
    /// - Returns: how many of them are not confirmed yet.
    func acquire(_ channels: [String], for connection: Connection) -> Int {
        var unconfirmed = 0
        for channel in channels where !state.directory.acquire(channel, loop: index) {
            unconfirmed += 1
            waiting[ByteName(channel), default: []].append(connection.key)
            post(.reconsider(channel: channel), to: ServerState.home)
        }
        return unconfirmed
    }

    /// Does what a connection asked for once its channels are confirmed.
    func wait(toComplete action: PendingAction, _ connection: Connection) {
        connection.pause.insert(.subscribing)
        connection.pending = action
    }

    /// A channel is confirmed, or waiting for Redis is over.
    func confirm(_ channel: String) {
        for key in waiting.removeValue(forKey: ByteName(channel)) ?? [] {
            guard let connection = connection(key), let action = connection.pending else { continue }
            if case .open(let acceptance, let channels, let unconfirmed) = action, unconfirmed > 1 {
                connection.pending = .open(acceptance, channels: channels, unconfirmed: unconfirmed - 1)
                continue
            }
            connection.pending = nil
            complete(action, connection)
            resume(connection, from: .subscribing)
        }
    }

    /// Gives up what a connection waits for: it ends.
    func abandonPending(_ connection: Connection) {
        defer { connection.pending = nil }
        switch connection.pending {
        case .open(_, let channels, _):
            state.releaseWebSocket()
            for channel in channels { abandon(channel, connection) }
        case .subscribe(let channel, _):
            abandon(channel, connection)
        case .answerPublish, .confirmPublish, .none:
            break
        }
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

    private func release(_ channel: String) {
        if state.directory.release(channel, loop: index), state.configuration.redis != nil {
            post(.reconsider(channel: channel), to: ServerState.home)
        }
    }

    private func subscribe(_ connection: Connection, to channel: String, replace: Bool, id: [UInt8]) {
        if replace {
            for other in hub.channelNames(of: connection.slot) where ByteName(other) != ByteName(channel) {
                hub.leave(connection.slot, other)
                release(other)
            }
        }
        guard !hub.isMember(connection.slot, of: channel) else {
            return reply(ServerReply.status("subscribed", channel: channel, id: id), to: connection)
        }
        let limit = state.configuration.maxChannels.value
        if hub.channelCount(of: connection.slot) >= limit, isStopped(by: .channels) {
            return reply(ServerReply.error("at most \(limit) channels (--max-channels)", id: id), to: connection)
        }
        let action = PendingAction.subscribe(channel: channel, id: id)
        guard acquire([channel], for: connection) > 0 else { return complete(action, connection) }
        wait(toComplete: action, connection)
    }

    /// The confirmation goes out before the connection joins, so nothing of the channel can come before it.
    private func complete(_ action: PendingAction, _ connection: Connection) {
        switch action {
        case .open(let acceptance, let channels, _):
            finishOpening(connection, acceptance, channels: channels)
        case .subscribe(let channel, let id):
            reply(ServerReply.status("subscribed", channel: channel, id: id), to: connection)
            hub.join(connection.slot, channel)
        case .answerPublish, .confirmPublish:
            break
        }
    }

    private func publish(_ data: [UInt8], to channel: String, key: String?, id: [UInt8], _ connection: Connection) {
        guard state.configuration.allowsClientPublish else {
            return reply(
                ServerReply.error("clients may not publish here (--allow-client-publish)", id: id), to: connection)
        }
        guard hub.isMember(connection.slot, of: channel) else {
            return reply(ServerReply.error("only to a channel that was subscribed to", id: id), to: connection)
        }
        guard key == nil || carriesKeys else {
            return reply(ServerReply.error(Worker.keyRefusal, id: id), to: connection)
        }
        publish(
            data, to: channel, key: key, from: .client, for: connection,
            then: .confirmPublish(channel: channel, id: id))
    }
}
