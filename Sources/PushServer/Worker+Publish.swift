internal import Channels
internal import HTTP
internal import WSLoop

extension Worker {
    /// Publishes for a connection, through Redis if there is one, and answers it when that is done.
    ///
    /// - Parameter key: what the message replaces its predecessor by where messages are conflated; Redis carries none.
    func publish(
        _ payload: [UInt8], to channel: String, key: String?, from source: MessageSource, for connection: Connection,
        then action: PendingAction
    ) {
        guard !state.isOverBudget else {
            return refuse(action, connection, Worker.overBudgetRefusal)
        }
        guard state.configuration.redis != nil else {
            let subscribers = broadcast(payload, to: channel, key: key, from: source)
            return answer(action, connection, subscribers: subscribers)
        }
        counters.messagesIn[source.rawValue] += 1
        connection.pending = action
        connection.pause.insert(.publishing)
        let address = ConnectionAddress(worker: index, key: connection.key)
        post(.publish(channel: channel, payload: payload, from: address), to: ServerState.home)
    }

    static let overBudgetRefusal = "clients do not keep up and the server is over its budget, retry later"

    /// Whether a key may come with a message here.
    var carriesKeys: Bool { state.configuration.redis == nil }
    static let keyRefusal = "key cannot be used with --redis: a message carries none there"

    /// Hands a message to all loops with subscribers, in the one order that they share.
    ///
    /// - Returns: how many subscribers this process has.
    @discardableResult
    func broadcast(_ payload: [UInt8], to channel: String, key: String? = nil, from source: MessageSource) -> Int {
        counters.messagesIn[source.rawValue] += 1
        let message = Message(
            channel: channel, payload: payload, key: key, receivedNanoseconds: Loop.monotonicNanoseconds)
        return state.directory.publish(message) { post(.deliver(message), to: $0) }
    }

    /// Redis has accepted or refused what a connection published.
    func published(_ key: StreamKey, failure: String?) {
        guard let connection = connection(key), let action = connection.pending else { return }
        connection.pending = nil
        if let failure {
            refuse(action, connection, failure)
        } else {
            answer(action, connection, subscribers: nil)
        }
        tell(.requestComplete, connection)
        resume(connection, from: .publishing)
    }

    private func answer(_ action: PendingAction, _ connection: Connection, subscribers: Int?) {
        switch action {
        case .answerPublish(let channel):
            let count = subscribers ?? state.directory.subscribers(of: channel)
            respond(Reports.published(channel: channel, subscribers: count), to: connection)
        case .confirmPublish(let channel, let id):
            reply(ServerReply.status("published", channel: channel, id: id), to: connection)
        case .open, .subscribe: break
        }
    }

    private func refuse(_ action: PendingAction, _ connection: Connection, _ failure: String) {
        switch action {
        case .answerPublish: respond(.unavailable(failure), to: connection)
        case .confirmPublish(_, let id): reply(ServerReply.error(failure, id: id), to: connection)
        case .open, .subscribe: break
        }
    }
}
