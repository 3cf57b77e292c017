internal import Bytes
internal import Channels
internal import Protocols

extension LoopContext {
    /// Makes a client that was let in a subscriber of its channels, and counts it.
    ///
    /// - Parameters:
    ///   - histories: what the client gets of channels' histories first.
    ///   - tell: sends the client an event.
    func enter(
        _ connection: Connection, _ channels: [String], after histories: [ByteName: HistoryReading],
        as result: HandshakeResult, tell: (ConnectionEvent) -> Void
    ) {
        for channel in channels {
            let reading = histories.isEmpty ? nil : histories[ByteName(channel)]
            if let reading, reading.position != nil { tell(.subscribed(channel: channel, HistoryReport(reading))) }
            hub.join(connection.slot, channel, after: reading?.joinersMessages ?? [])
            presence?.joined(connection, channel, watches: connection.watchesPresence)
        }
        counters.handshakes[result.rawValue] += 1
        counters.opened += 1
        events?.connected(connection)
        tracer?.noteConnected(connection)
    }
}
