internal import Access
internal import Broker
internal import Channels
internal import HTTP
internal import Protocols
internal import WSLoop

/// Answers what clients ask about channels: their past messages, and who is in them.
final class ChannelQueries {
    private let context: LoopContext
    private let webSockets: WebSocketExchange
    private let subscriptions: Subscriptions

    init(_ context: LoopContext, _ webSockets: WebSocketExchange, _ subscriptions: Subscriptions) {
        self.context = context
        self.webSockets = webSockets
        self.subscriptions = subscriptions
    }
}

// MARK: - Histories

extension ChannelQueries {
    /// Sends the last messages of a channel.
    func readHistory(_ connection: Connection, of channel: String, last: Int, id: [UInt8]) {
        let isMember = context.hub.isMember(connection.slot, of: channel)
        if let denial = historyDenial(on: channel, connection, isSubscribed: isMember) {
            return webSockets.reply(.refused(.denied(denial)), to: id, of: connection)
        }
        guard let limits = context.settings.access.channels.history(of: channel) else {
            return webSockets.reply(.refused(.noHistory), to: id, of: connection)
        }
        let lookups = [HistoryLookup(of: channel, limits, HistoryRequest(last: last))]
        guard !isMember else { return readHistory(connection, of: channel, lookups, id: id) }
        follow(channel, for: connection) { [self] in readHistory(connection, of: channel, lookups, id: id) }
    }

    private func readHistory(
        _ connection: Connection, of channel: String, _ lookups: [HistoryLookup], id: [UInt8]
    ) {
        connection.wait(
            for: Continuation(channels: [], reading: lookups) { [webSockets] readings in
                for reading in readings.values {
                    webSockets.reply(.history(channel: channel, reading), to: id, of: connection)
                }
            })
        context.readHistories(lookups, for: connection)
    }

    /// Answers a request with a channel's history, at once or as soon as it is known here.
    ///
    /// - Parameter response: makes the response.
    func answer(
        _ lookup: HistoryLookup, over http: HTTPExchange, _ connection: Connection,
        _ response: @escaping (HistoryReading) -> Response
    ) -> EndpointAnswer {
        var answer = EndpointAnswer.later
        var isLate = false
        follow(lookup.channel, for: connection) { [context] in
            let response = response(context.state.directory.read(lookup, at: Loop.monotonicNanoseconds))
            if isLate { http.respond(response, to: connection) } else { answer = .now(response) }
        }
        isLate = true
        return answer
    }

    /// Runs `then` while this node knows a channel's history: at once, or when the broker has answered.
    ///
    /// A node knows a broker's histories only for channels with subscribers, so the channel gets one for the moment.
    private func follow(_ channel: String, for connection: Connection, then: @escaping () -> Void) {
        guard !context.state.broker.isEmbedded else { return then() }
        let key = connection.key
        let read = { [subscriptions] in
            then()
            subscriptions.giveBack(channel, of: key)
        }
        guard !subscriptions.borrow(channel, for: key) else { return read() }
        connection.wait(
            for: Continuation(channels: [], unconfirmed: 1, then: read) { [subscriptions] in
                subscriptions.giveBack(channel, of: key)
            })
    }

    /// Drops the messages of a channel's history, here or through the broker.
    ///
    /// - Returns: whether it is done; if not, the connection waits for `later`.
    func clearHistory(
        of channel: String, for connection: Connection, later: @escaping (Result<Published, CommandRefusal>) -> Void
    ) -> Bool {
        guard !context.state.broker.isEmbedded else {
            context.state.directory.clearHistory(of: channel)
            return true
        }
        connection.wait(for: Continuation(then: later))
        context.tellNode(.clearHistory(channel: channel, PublishTicket(worker: context.index, connection.key)))
        return false
    }

    /// Why a connection may not read past messages of a channel; nil if it may.
    func historyDenial(on channel: String, _ connection: Connection, isSubscribed: Bool) -> ChannelDenial? {
        context.settings.access.channels.decision(
            to: .history, channel, by: connection.identity, isSubscribed: isSubscribed
        ).denial
    }
}

// MARK: - Presence

extension ChannelQueries {
    /// Sends who is in a channel.
    func listPresence(_ connection: Connection, of channel: String, id: [UInt8]) {
        let isMember = context.hub.isMember(connection.slot, of: channel)
        if let refusal = presenceRefusal(on: channel, connection, isSubscribed: isMember) {
            return webSockets.reply(.refused(refusal), to: id, of: connection)
        }
        webSockets.reply(.presence(channel: channel, context.state.presence.list(channel)), to: id, of: connection)
    }

    /// Why a connection may not see who is in a channel; nil if it may.
    func presenceRefusal(on channel: String, _ connection: Connection, isSubscribed: Bool) -> CommandRefusal? {
        let rules = context.settings.access.channels
        let decision = rules.decision(
            to: .presence, channel, by: connection.identity, isSubscribed: isSubscribed)
        if let denial = decision.denial { return .denied(denial) }
        return rules.presenceGrace(of: channel) == nil ? .noPresence : nil
    }
}

@available(*, unavailable)
extension ChannelQueries: Sendable {}

extension SubscribeOptions {
    /// What a client is told of a channel's history; nil if there is none and it did not ask.
    func report(on reading: HistoryReading?) -> HistoryReport? {
        guard let reading, reading.position != nil else {
            return history?.recover == nil ? nil : HistoryReport(position: nil, isRecovered: false)
        }
        return HistoryReport(reading)
    }
}
