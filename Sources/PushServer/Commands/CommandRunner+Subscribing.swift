internal import Access
internal import Bytes
internal import Channels
internal import Hooks
internal import Protocols
internal import WSLoop

extension CommandRunner {
    /// The outcome for a channel of a subscribe command.
    private enum Verdict {
        case join, isMember
        case refused(CommandRefusal)

        var joins: Bool {
            if case .join = self { true } else { false }
        }
    }

    /// Joins channels, each with its own reply; with `replace`, leaves all others first, unless none is allowed.
    func subscribe(_ connection: Connection, to channels: [String], replace: Bool, id: [UInt8]) {
        guard admits(channels, id: id, of: connection) else { return }
        let settings = context.settings
        let decisions = channels.map { decision(on: $0, connection) }
        decide(.subscribe, decisions, { .channel(channels[$0]) }, for: connection) { [self] connection, denials in
            subscribe(connection, to: channels, denials, replace: replace, id: id, decidedBy: settings)
        }
    }

    private func subscribe(
        _ connection: Connection, to channels: [String], _ denials: [ChannelDenial?], replace: Bool, id: [UInt8],
        decidedBy settings: LiveSettings
    ) {
        if replace, denials.contains(nil) { subscriptions.leaveAll(connection.slot, but: channels) }
        let verdicts = verdicts(on: channels, denials, connection.slot)
        let joined = zip(channels, verdicts).compactMap { $1.joins ? $0 : nil }
        let unconfirmed = subscriptions.acquire(joined, for: connection.key)
        guard unconfirmed > 0 else { return join(connection, channels, verdicts, id: id, decidedBy: settings) }
        connection.wait(
            for: Continuation(channels: joined, unconfirmed: unconfirmed) { [self] in
                join(connection, channels, verdicts, id: id, decidedBy: settings)
            })
    }

    /// What the rules say; the backend is not asked again about a channel that the connection has joined.
    func decision(on channel: String, _ connection: Connection) -> Decision {
        let decision = context.settings.access.channels.decision(to: .subscribe, channel, by: connection.identity)
        return decision == .ask && context.hub.isMember(connection.slot, of: channel) ? .allow : decision
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
    private func join(
        _ connection: Connection, _ channels: [String], _ verdicts: [Verdict], id: [UInt8],
        decidedBy settings: LiveSettings
    ) {
        for (channel, verdict) in zip(channels, verdicts) {
            if case .refused(let refusal) = verdict {
                webSockets.reply(.refused(refusal, channel: channel), to: id, of: connection)
                continue
            }
            webSockets.reply(.subscribed(channel: channel), to: id, of: connection)
            if verdict.joins { context.hub.join(connection.slot, channel) }
        }
        // A reload may have come while it waited.
        if settings !== context.settings { review(connection, since: settings) }
    }

    /// Whether a command may name this many channels: each one is as much work as a command of its own.
    private func admits(_ channels: [String], id: [UInt8], of connection: Connection) -> Bool {
        if channels.count > maxChannels, context.isStopped(by: .channels) {
            webSockets.reply(.refused(tooManyChannels), to: id, of: connection)
            return false
        }
        return webSockets.admits(further: channels.count - 1, of: connection)
    }

    private var maxChannels: Int { context.settings.configuration.maxChannels.value }
    private var tooManyChannels: CommandRefusal { .tooManyChannels(limit: maxChannels) }

    /// Decides which channels are new, and which of those are too many.
    private func verdicts(on channels: [String], _ denials: [ChannelDenial?], _ slot: UInt32) -> [Verdict] {
        var count = context.hub.channelCount(of: slot)
        var named: Set<ByteName> = []
        return zip(channels, denials).map { channel, denial in
            if let denial { return .refused(.denied(denial)) }
            if context.hub.isMember(slot, of: channel) || named.contains(ByteName(channel)) { return .isMember }
            if count >= maxChannels, context.isStopped(by: .channels) { return .refused(tooManyChannels) }
            count += 1
            named.insert(ByteName(channel))
            return .join
        }
    }
}
