internal import Access
internal import Bytes
internal import Channels
internal import WSLoop

/// A loop's part of presence: where its connections are members, and which of them watch channels.
///
/// Only channels whose rule says so have members; a connection that is in none costs nothing.
final class LoopPresence {
    /// What a connection has of a channel with presence.
    private struct Place {
        let channel: ByteName
        let member: PresenceMember
        var watches: Bool
    }

    private unowned let context: LoopContext
    private let users: Users
    /// By slot.
    private var places: [UInt32: [Place]] = [:]
    private var watchers: [ByteName: Set<UInt32>] = [:]

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
        // Without presence in the rule, nobody is told any more how long the member is away.
        let grace = context.settings.access.channels.presenceGrace(of: channel) ?? 0
        context.state.presence.exit(place.channel, place.member, at: context.loop.nowMilliseconds, grace: grace)
    }

    /// Tells the connections that watch channels what has changed.
    func tell(_ batches: [PresenceBatch]) {
        for batch in batches {
            guard let slots = watchers[batch.channel] else { continue }
            context.hub.send(batch.notices, of: batch.channel.text, to: slots)
        }
    }

    private func unwatch(_ slot: UInt32, _ channel: ByteName) {
        watchers[channel]?.remove(slot)
        if watchers[channel]?.isEmpty == true { watchers[channel] = nil }
        context.state.presence.unwatch(channel)
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
