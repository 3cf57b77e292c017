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

    /// A subscribe command whose channels were decided about.
    private struct Join {
        let channels: [String]
        let verdicts: [Verdict]
        let options: SubscribeOptions
        let id: [UInt8]
        /// By which it was decided.
        let settings: LiveSettings
    }

    /// Joins channels, each with its own reply; with `replace`, leaves all others first, unless none is allowed.
    func subscribe(_ connection: Connection, to channels: [String], _ options: SubscribeOptions, id: [UInt8]) {
        guard admits(channels, id: id, of: connection) else { return }
        let settings = context.settings
        let decisions = channels.map { decision(on: $0, connection) }
        decide(.subscribe, decisions, { .channel(channels[$0]) }, for: connection) { [self] connection, denials in
            subscribe(connection, to: channels, denials, options, id: id, decidedBy: settings)
        }
    }

    private func subscribe(
        _ connection: Connection, to channels: [String], _ denials: [ChannelDenial?], _ options: SubscribeOptions,
        id: [UInt8], decidedBy settings: LiveSettings
    ) {
        if options.replace, denials.contains(nil) { subscriptions.leaveAll(connection.slot, but: channels) }
        let verdicts = verdicts(on: channels, denials, options, connection)
        let joined = zip(channels, verdicts).compactMap { $1.joins ? $0 : nil }
        let join = Join(channels: channels, verdicts: verdicts, options: options, id: id, settings: settings)
        let unconfirmed = subscriptions.acquire(joined, for: connection.key)
        guard unconfirmed > 0 else { return readHistories(connection, joined, join) }
        connection.wait(
            for: Continuation(channels: joined, unconfirmed: unconfirmed) { [self] in
                readHistories(connection, joined, join)
            })
    }

    /// Reads the histories and growing messages of the channels that have some, which gives each of them the moment of
    /// joining.
    private func readHistories(_ connection: Connection, _ joined: [String], _ join: Join) {
        let request = join.options.history ?? HistoryRequest()
        let lookups = joined.compactMap { context.lookup(of: $0, request) }
        guard !lookups.isEmpty else { return enter(connection, join, [:]) }
        connection.wait(
            for: Continuation(channels: joined, reading: lookups) { [self] readings in
                enter(connection, join, readings)
            })
        context.readHistories(lookups, for: connection)
    }

    /// What the rules say; the backend is not asked again about a channel that the connection has joined.
    ///
    /// Where the client has proved a right of its own, only a rule that lets nobody in is against it.
    func decision(on channel: String, _ connection: Connection) -> Decision {
        if webSockets.sessions.hasProved(connection, itsRightTo: channel) {
            let right = context.settings.access.channels.right(to: .subscribe, channel)
            return right == .nobody ? .deny(.nobodyMay(.subscribe)) : .allow
        }
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
    private func enter(_ connection: Connection, _ join: Join, _ readings: [ByteName: HistoryReading]) {
        for (channel, verdict) in zip(join.channels, join.verdicts) {
            switch verdict {
            case .refused(let refusal):
                webSockets.reply(.refused(refusal, channel: channel), to: join.id, of: connection)
            case .isMember:
                let members = join.options.member == nil ? nil : context.state.presence.list(channel)
                webSockets.reply(.subscribed(channel: channel, members: members), to: join.id, of: connection)
                if join.options.watchesPresence { context.presence?.watch(connection.slot, ByteName(channel)) }
            case .join: enter(connection, channel, readings[ByteName(channel)], join)
            }
        }
        // A reload may have come while it waited.
        if join.settings !== context.settings { review(connection, since: join.settings) }
    }

    private func enter(_ connection: Connection, _ channel: String, _ reading: HistoryReading?, _ join: Join) {
        if join.options.history?.recover != nil { context.count(recovery: reading?.isRecovered == true) }
        let members: PresenceList?
        do throws(CommandRefusal) {
            if join.options.isStrict, reading?.isRecovered != true { throw .unrecoverable }
            members = try join.options.member.flatMap { member throws(CommandRefusal) in
                try context.presence?.joins(connection, channel, as: member)
            }
        } catch {
            subscriptions.abandon([channel], for: connection.key)
            return webSockets.reply(.refused(error, channel: channel), to: join.id, of: connection)
        }
        let report = join.options.report(on: reading)
        webSockets.reply(.subscribed(channel: channel, report, members: members), to: join.id, of: connection)
        let past = reading?.joinersMessages ?? []
        if past.isEmpty, join.options.history?.last ?? 0 > 0 {
            webSockets.tell(.nothingKept(channel: channel), connection)
            context.events?.missed(channel)
        }
        context.hub.join(connection.slot, channel, after: past)
        if join.options.member == nil {
            context.presence?.joined(connection, channel, watches: join.options.watchesPresence)
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

    private var maxChannels: Int { context.settings.configuration.maxChannels.value }
    private var tooManyChannels: CommandRefusal { .tooManyChannels(limit: maxChannels) }

    /// Decides which channels are new, and which of those are too many.
    private func verdicts(
        on channels: [String], _ denials: [ChannelDenial?], _ options: SubscribeOptions, _ connection: Connection
    ) -> [Verdict] {
        let slot = connection.slot
        var count = context.hub.channelCount(of: slot)
        var named: Set<ByteName> = []
        return zip(channels, denials).map { channel, denial in
            if let denial = denial ?? rewindDenial(options, channel, connection) { return .refused(.denied(denial)) }
            if options.watchesPresence,
                let refusal = queries.presenceRefusal(on: channel, connection, isSubscribed: true)
            {
                return .refused(refusal)
            }
            if context.hub.isMember(slot, of: channel) || named.contains(ByteName(channel)) { return .isMember }
            if count >= maxChannels, context.isStopped(by: .channels) { return .refused(tooManyChannels) }
            count += 1
            named.insert(ByteName(channel))
            return .join
        }
    }

    /// Who may subscribe recovers what came after its position; older messages need the right to the history.
    private func rewindDenial(
        _ options: SubscribeOptions, _ channel: String, _ connection: Connection
    ) -> ChannelDenial? {
        guard let last = options.history?.last, last > 0,
            !webSockets.sessions.hasProved(connection, itsRightTo: channel)
        else { return nil }
        return queries.historyDenial(on: channel, connection, isSubscribed: true)
    }
}
