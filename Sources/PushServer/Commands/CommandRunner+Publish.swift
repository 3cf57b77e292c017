internal import Broker
internal import Channels
internal import HTTP
internal import Protocols
internal import WSLoop

extension CommandRunner {
    /// Publishes for a connection, and answers it when the broker has accepted or refused the message.
    ///
    /// - Parameter key: the conflation key: a later message with the same key replaces this one.
    func publish(
        _ payload: [UInt8], to channel: String, key: String?, from source: MessageSource, for connection: Connection,
        then action: PendingAction
    ) {
        guard !context.state.bytes.isOverBudget else {
            return refuse(action, connection, .overBudget)
        }
        context.counters.messagesIn[source.rawValue] += 1
        let publication = Publication(channel: channel, payload: payload, key: key)
        guard let outcome = broker.publish(publication, for: PublishTicket(worker: context.index, connection.key))
        else {
            connection.pending = action
            connection.pause.insert(.publishing)
            return
        }
        finish(action, connection, outcome)
    }

    /// Why a message cannot have a key here; nil if it can.
    var keyRefusal: String? { context.state.broker.traits.keyRefusal }

    /// The broker has accepted or refused a connection's publish.
    func published(_ key: StreamKey, _ outcome: PublishOutcome) {
        guard let connection = table[key], let action = connection.pending else { return }
        connection.pending = nil
        finish(action, connection, outcome)
        lives.tell(.requestComplete, connection)
        input.resume(connection, from: .publishing)
    }

    private func finish(_ action: PendingAction, _ connection: Connection, _ outcome: PublishOutcome) {
        switch outcome {
        case .success(let published): answer(action, connection, subscribers: published.subscribers)
        case .failure(let failure): refuse(action, connection, .publishFailed(failure.description))
        }
    }

    private func answer(_ action: PendingAction, _ connection: Connection, subscribers: Int?) {
        switch action {
        case .answerPublish(let channel):
            let count = subscribers ?? context.state.directory.subscribers(of: channel)
            http.respond(Reports.published(channel: channel, subscribers: count), to: connection)
        case .confirmPublish(let channel, let id):
            webSockets.reply(.published(channel: channel), to: id, of: connection)
        case .open, .subscribe: break
        }
    }

    private func refuse(_ action: PendingAction, _ connection: Connection, _ refusal: CommandRefusal) {
        switch action {
        case .answerPublish: http.respond(.unavailable(refusal.message), to: connection)
        case .confirmPublish(_, let id): webSockets.reply(.refused(refusal), to: id, of: connection)
        case .open, .subscribe: break
        }
    }
}
