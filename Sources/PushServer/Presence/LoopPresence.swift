internal import Access
internal import Bytes
internal import Channels
internal import Protocols
internal import WSLoop

/// A loop's part of presence: where its connections are members, and which of them watch channels.
///
/// Only channels whose rule says so have members; a connection that is in none costs nothing.
final class LoopPresence {
    /// What a connection has of a channel with presence.
    private struct Place {
        let channel: ByteName
        /// Nil if it only watches.
        let member: PresenceMember?
        var watches: Bool
        /// Whether the client has named the member; otherwise it is the connection's user.
        var isNamedByClient = false
    }

    private unowned let context: LoopContext
    private let users: Users
    /// By slot.
    private var places: [UInt32: [Place]] = [:]
    private var watchers: [ByteName: Set<UInt32>] = [:]
    /// Of the watchers, those that were shown the members when they came, until they were told of a later change.
    private var newcomers: [ByteName: [UInt32: PresenceStart]] = [:]

    init(_ context: LoopContext, _ users: Users) {
        self.context = context
        self.users = users
    }

    /// A connection has joined a channel.
    ///
    /// - Parameter watches: whether it is told who comes and goes, beginning with itself.
    func joined(_ connection: Connection, _ channel: String, watches: Bool) {
        guard context.settings.access.channels.presenceGrace(of: channel) != nil else { return }
        let name = ByteName(channel)
        let member = member(connection)
        places[connection.slot, default: []].append(Place(channel: name, member: member, watches: false))
        if watches { watch(connection.slot, name) }
        context.state.presence.enter(name, member)
        context.events?.memberEntered(name, member, isNamedByClient: false)
    }

    /// A connection joins a channel as a member that it names, and is told who comes and goes after that.
    ///
    /// - Returns: who is there, itself included; nil if the channel has no presence.
    func joins(
        _ connection: Connection, _ channel: String, as newcomer: ChannelMember
    ) throws(CommandRefusal) -> PresenceList? {
        guard context.settings.access.channels.presenceGrace(of: channel) != nil else { return nil }
        let name = ByteName(channel)
        let member = named(newcomer, connection)
        guard let (list, start) = context.state.presence.enterAndWatch(name, member, below: newcomer.limit) else {
            throw .tooManyMembers(limit: newcomer.limit ?? 0)
        }
        note(
            Place(channel: name, member: member, watches: true, isNamedByClient: true), connection.slot, from: start)
        context.events?.memberEntered(name, member, isNamedByClient: true)
        if !context.state.broker.isEmbedded { context.tellNode(.memberJoined) }
        return list
    }

    /// A connection is a user's from now on: the user is in a channel of its own, which nobody subscribes to, and the
    /// connection is told when the users in other such channels come and go.
    ///
    /// - Returns: for each of the other channels, whether its user is there.
    func signsIn(
        _ connection: Connection, as user: String, in channel: String, watching others: [String]
    ) -> [Bool] {
        let member = named(ChannelMember(user: user, info: nil), connection)
        places[connection.slot, default: []].append(
            Place(channel: ByteName(channel), member: member, watches: false))
        context.state.presence.enter(ByteName(channel), member)
        return others.map { other in
            let (count, start) = context.state.presence.countAndWatch(ByteName(other))
            note(Place(channel: ByteName(other), member: nil, watches: true), connection.slot, from: start)
            return count > 0
        }
    }

    /// Notes a place whose connection watches the channel from a moment on.
    private func note(_ place: Place, _ slot: UInt32, from start: PresenceStart) {
        places[slot, default: []].append(place)
        watchers[place.channel, default: []].insert(slot)
        newcomers[place.channel, default: [:]][slot] = start
    }

    /// A connection is in no channel any more.
    func leftAll(_ slot: UInt32) {
        guard !places.isEmpty else { return }
        for place in places[slot] ?? [] { left(slot, place.channel.text) }
    }

    /// A connection that has joined a channel wants to be told who comes and goes.
    func watch(_ slot: UInt32, _ channel: ByteName) {
        guard let index = places[slot]?.firstIndex(where: { $0.channel == channel && !$0.watches }) else { return }
        places[slot]?[index].watches = true
        watchers[channel, default: []].insert(slot)
        context.state.presence.watch(channel)
    }

    /// A connection has left a channel, or will not join it.
    func left(_ slot: UInt32, _ channel: String) {
        guard !places.isEmpty, let index = places[slot]?.firstIndex(where: { $0.channel == ByteName(channel) }),
            let place = places[slot]?.remove(at: index)
        else { return }
        if places[slot]?.isEmpty == true { places[slot] = nil }
        if place.watches { unwatch(slot, place.channel) }
        guard let member = place.member else { return }
        context.events?.memberExited(place.channel, member, isNamedByClient: place.isNamedByClient)
        // Without presence in the rule, nobody is told any more how long the member is away.
        let grace = context.settings.access.channels.presenceGrace(of: channel) ?? 0
        context.state.presence.exit(place.channel, member, at: context.loop.nowMilliseconds, grace: grace)
    }

    /// Tells the connections that watch channels what has changed.
    func tell(_ batches: [PresenceBatch]) {
        for batch in batches {
            guard let slots = watchers[batch.channel] else { continue }
            guard let new = newcomers.removeValue(forKey: batch.channel) else {
                context.hub.send(batch.notices, of: batch.channel.text, to: slots)
                continue
            }
            context.hub.send(batch.notices, of: batch.channel.text, to: slots.filter { new[$0] == nil })
            for (slot, start) in new {
                let notices = start.rest(of: batch.notices, takenAs: batch.number)
                if !notices.isEmpty { context.hub.send(Array(notices), of: batch.channel.text, to: [slot]) }
            }
            let remaining = new.filter { $0.value.number > batch.number }
            if !remaining.isEmpty { newcomers[batch.channel] = remaining }
        }
    }

    private func unwatch(_ slot: UInt32, _ channel: ByteName) {
        watchers[channel]?.remove(slot)
        if watchers[channel]?.isEmpty == true { watchers[channel] = nil }
        newcomers[channel]?[slot] = nil
        if newcomers[channel]?.isEmpty == true { newcomers[channel] = nil }
        context.state.presence.unwatch(channel)
    }

    private func named(_ member: ChannelMember, _ connection: Connection) -> PresenceMember {
        PresenceMember(
            id: context.id(of: connection).description, user: member.user, info: member.info, isNamed: true)
    }

    private func member(_ connection: Connection) -> PresenceMember {
        let user = users.name(of: connection)
        return PresenceMember(
            id: context.id(of: connection).description, user: user ?? Users.anonymous, info: connection.identity?.info,
            isNamed: user != nil)
    }
}

@available(*, unavailable)
extension LoopPresence: Sendable {}
