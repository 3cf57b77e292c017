internal import Access
internal import Channels
internal import Protocols

extension CommandRunner {
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
        connection.wait(
            for: Continuation(channels: [], reading: lookups) { [webSockets] readings in
                for reading in readings.values {
                    webSockets.reply(.history(channel: channel, reading), to: id, of: connection)
                }
            })
        context.readHistories(lookups, for: connection)
    }

    /// Why a connection may not read past messages of a channel; nil if it may.
    func historyDenial(on channel: String, _ connection: Connection, isSubscribed: Bool) -> ChannelDenial? {
        context.settings.access.channels.decision(
            to: .history, channel, by: connection.identity, isSubscribed: isSubscribed
        ).denial
    }
}

extension SubscribeOptions {
    /// What a client is told of a channel's history; nil if there is none and it did not ask.
    func report(on reading: HistoryReading?) -> HistoryReport? {
        guard let reading else {
            return history?.recover == nil ? nil : HistoryReport(position: nil, isRecovered: false)
        }
        return HistoryReport(reading)
    }
}
