internal import Access
internal import Bytes
internal import Channels
internal import Protocols
internal import WSLoop

/// A subscribe command that may have to wait: the outcome for each of its channels, in the order of the replies.
struct Joining {
    enum Outcome { case join, isMember, isOneTooMany }

    var channels: [(name: String, outcome: Outcome)] = []
    let id: [UInt8]
    /// The number of channels that are not confirmed yet.
    var unconfirmed = 0

    /// The channels that the connection joins.
    var joined: [String] { channels.compactMap { $0.outcome == .join ? $0.name : nil } }
}

extension CommandRunner {
    /// Joins channels, each with its own reply; with `replace`, leaves all others first.
    func subscribe(_ connection: Connection, to channels: [String], replace: Bool, id: [UInt8]) {
        guard admits(channels, id: id, of: connection) else { return }
        if replace { leaveAll(connection, but: channels) }
        var joining = judged(channels, id: id, connection)
        joining.unconfirmed = acquire(joining.joined, for: connection)
        guard joining.unconfirmed > 0 else { return finish(joining, connection) }
        wait(toComplete: .subscribe(joining), connection)
    }

    /// Leaves channels, each with its own reply.
    func unsubscribe(_ connection: Connection, from channels: [String], id: [UInt8]) {
        guard admits(channels, id: id, of: connection) else { return }
        for channel in channels {
            if context.hub.leave(connection.slot, channel) { release(channel) }
            webSockets.reply(.unsubscribed(channel: channel), to: id, of: connection)
        }
    }

    /// Each confirmation is sent before the connection joins, so that no message of the channel can come before it.
    func finish(_ joining: Joining, _ connection: Connection) {
        for (channel, outcome) in joining.channels {
            guard outcome != .isOneTooMany else {
                webSockets.reply(.refused(channelRefusal, channel: channel), to: joining.id, of: connection)
                continue
            }
            webSockets.reply(.subscribed(channel: channel), to: joining.id, of: connection)
            if outcome == .join { context.hub.join(connection.slot, channel) }
        }
    }

    /// Whether a command may name this many channels: each one is as much work as a command of its own.
    private func admits(_ channels: [String], id: [UInt8], of connection: Connection) -> Bool {
        if channels.count > context.state.configuration.maxChannels.value, context.isStopped(by: .channels) {
            webSockets.reply(.refused(channelRefusal), to: id, of: connection)
            return false
        }
        return webSockets.admits(further: channels.count - 1, of: connection)
    }

    private var channelRefusal: CommandRefusal {
        .tooManyChannels(limit: context.state.configuration.maxChannels.value)
    }

    private func leaveAll(_ connection: Connection, but channels: [String]) {
        let kept = Set(channels.map { ByteName($0) })
        for channel in context.hub.channelNames(of: connection.slot) where !kept.contains(ByteName(channel)) {
            context.hub.leave(connection.slot, channel)
            release(channel)
        }
    }

    /// Decides which channels are new, and which of those are too many.
    private func judged(_ channels: [String], id: [UInt8], _ connection: Connection) -> Joining {
        var joining = Joining(id: id)
        var count = context.hub.channelCount(of: connection.slot)
        var named: Set<ByteName> = []
        for channel in channels {
            if context.hub.isMember(connection.slot, of: channel) || named.contains(ByteName(channel)) {
                joining.channels.append((channel, .isMember))
            } else if count >= context.state.configuration.maxChannels.value, context.isStopped(by: .channels) {
                joining.channels.append((channel, .isOneTooMany))
            } else {
                joining.channels.append((channel, .join))
                count += 1
                if channels.count > 1 { named.insert(ByteName(channel)) }
            }
        }
        return joining
    }
}
