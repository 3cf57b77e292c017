internal import Access
internal import Bytes
internal import Channels
internal import Protocols
internal import WSLoop

extension CommandRunner {
    /// The outcome for a channel of a subscribe command.
    private enum Verdict { case join, isMember, isOneTooMany }

    /// Joins channels, each with its own reply; with `replace`, leaves all others first.
    func subscribe(_ connection: Connection, to channels: [String], replace: Bool, id: [UInt8]) {
        guard admits(channels, id: id, of: connection) else { return }
        if replace { subscriptions.leaveAll(connection.slot, but: channels) }
        let verdicts = verdicts(on: channels, connection.slot)
        let joined = zip(channels, verdicts).compactMap { $1 == .join ? $0 : nil }
        let unconfirmed = subscriptions.acquire(joined, for: connection.key)
        guard unconfirmed > 0 else { return join(connection, channels, verdicts, id: id) }
        connection.wait(
            for: Continuation(channels: joined, unconfirmed: unconfirmed) { [self] in
                join(connection, channels, verdicts, id: id)
            })
    }

    /// Leaves channels, each with its own reply.
    func unsubscribe(_ connection: Connection, from channels: [String], id: [UInt8]) {
        guard admits(channels, id: id, of: connection) else { return }
        for channel in channels {
            subscriptions.leave(connection.slot, channel)
            webSockets.reply(.unsubscribed(channel: channel), to: id, of: connection)
        }
    }

    /// Each confirmation is sent before the connection joins, so that no message of the channel can come before it.
    private func join(_ connection: Connection, _ channels: [String], _ verdicts: [Verdict], id: [UInt8]) {
        for (channel, verdict) in zip(channels, verdicts) {
            guard verdict != .isOneTooMany else {
                webSockets.reply(.refused(tooManyChannels, channel: channel), to: id, of: connection)
                continue
            }
            webSockets.reply(.subscribed(channel: channel), to: id, of: connection)
            if verdict == .join { context.hub.join(connection.slot, channel) }
        }
    }

    /// Whether a command may name this many channels: each one is as much work as a command of its own.
    private func admits(_ channels: [String], id: [UInt8], of connection: Connection) -> Bool {
        if channels.count > maxChannels, context.isStopped(by: .channels) {
            webSockets.reply(.refused(tooManyChannels), to: id, of: connection)
            return false
        }
        return webSockets.admits(further: channels.count - 1, of: connection)
    }

    private var maxChannels: Int { context.state.configuration.maxChannels.value }
    private var tooManyChannels: CommandRefusal { .tooManyChannels(limit: maxChannels) }

    /// Decides which channels are new, and which of those are too many.
    private func verdicts(on channels: [String], _ slot: UInt32) -> [Verdict] {
        var count = context.hub.channelCount(of: slot)
        var named: Set<ByteName> = []
        return channels.map { channel in
            if context.hub.isMember(slot, of: channel) || named.contains(ByteName(channel)) { return .isMember }
            if count >= maxChannels, context.isStopped(by: .channels) { return .isOneTooMany }
            count += 1
            named.insert(ByteName(channel))
            return .join
        }
    }
}
