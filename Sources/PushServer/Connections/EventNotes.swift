internal import Bytes
internal import Channels
internal import Hooks
internal import Protocols
internal import WSLoop

/// What a loop tells the node for the backend (`--hook-events`), and for applications of Pusher's clients (`webhook=`).
enum EventNote: Sendable {
    /// It has happened once, on this node.
    case event(Event)
    /// The same, for applications of Pusher's clients only.
    case webhook(PusherWebhook)
    /// Subscriptions of these occupants have begun.
    case entered([Occupant])
    /// Subscriptions of these occupants have ended.
    case exited([Occupant])
}

/// Tells the node what the backend wants to know about a loop's connections.
///
/// A loop has none if no event is wanted.
final class EventNotes {
    private unowned let context: LoopContext
    private let table: ConnectionTable
    private let users: Users
    private let addresses: ClientAddresses
    private let kinds: Set<EventKind>
    private let tellsChannels: Bool
    private let tellsUsers: Bool
    private let hasWebhooks: Bool
    /// By slot: the channels of clients whose WebSockets or streams are not open yet.
    private var opening: [UInt32: [String]] = [:]

    /// Nil if nobody wants events.
    init?(_ context: LoopContext, _ table: ConnectionTable, _ users: Users, _ addresses: ClientAddresses) {
        let hooks = context.settings.configuration.hooks
        hasWebhooks = context.settings.configuration.hasWebhooks
        guard hooks.eventsURL != nil || hasWebhooks else { return nil }
        self.context = context
        self.table = table
        self.users = users
        self.addresses = addresses
        kinds = hooks.eventsURL == nil ? [] : hooks.eventKinds
        tellsChannels = hasWebhooks || !kinds.isDisjoint(with: [.occupied, .vacated])
        tellsUsers = !kinds.isDisjoint(with: [.joined, .left])
    }

    /// A client has opened a WebSocket or an event stream.
    func connected(_ connection: Connection) {
        note(.connected, of: connection, [("address", addresses.logged(connection))])
        if let channels = opening.removeValue(forKey: connection.slot) { enter(channels, connection.slot) }
    }

    /// A WebSocket or an event stream has ended.
    func disconnected(_ connection: Connection) {
        note(.disconnected, of: connection, [("reason", connection.life.closeReason.label)])
    }

    /// A client has published JSON text.
    func published(_ data: [UInt8], to channel: String, by connection: Connection) {
        note(.published, of: connection, [("channel", channel)], data: data)
        if hasWebhooks { context.tellNode(.note(.webhook(.clientEvent(channel: channel, payload: data)))) }
    }

    /// A client has joined a channel for whose last message it has asked, and there is none.
    func missed(_ channel: String) {
        if hasWebhooks { context.tellNode(.note(.webhook(.cacheMiss(channel: channel)))) }
    }

    /// A member of a channel with presence has come: the connection's user, or one that its client has named.
    ///
    /// A connection's user is told of here only if the backend does not want `joined` and `left`, since those events
    /// already follow the user's subscriptions.
    func memberEntered(_ channel: ByteName, _ member: PresenceMember, isNamedByClient: Bool) {
        guard let occupant = occupant(channel, member, isNamedByClient) else { return }
        context.tellNode(.note(.entered([occupant])))
    }

    /// The member has gone, or this connection of it.
    func memberExited(_ channel: ByteName, _ member: PresenceMember, isNamedByClient: Bool) {
        guard let occupant = occupant(channel, member, isNamedByClient) else { return }
        context.tellNode(.note(.exited([occupant])))
    }

    private func occupant(_ channel: ByteName, _ member: PresenceMember, _ isNamedByClient: Bool) -> Occupant? {
        guard member.isNamed, isNamedByClient ? tellsUsers || hasWebhooks : hasWebhooks && !tellsUsers else {
            return nil
        }
        return Occupant(channel: channel.text, user: member.user)
    }

    /// A connection has got subscriptions; those of a handshake count when the client is let in.
    func entered(_ channels: [String], _ key: StreamKey) {
        if table[key]?.phase == .http {
            opening[key.slot, default: []] += channels
        } else {
            enter(channels, key.slot)
        }
    }

    private func enter(_ channels: [String], _ slot: UInt32) {
        let occupants = occupants(of: channels, slot)
        if !occupants.isEmpty { context.tellNode(.note(.entered(occupants))) }
    }

    /// A connection has lost a subscription.
    func exited(_ channel: String, _ slot: UInt32) {
        guard opening[slot] == nil else { return giveUp(channel, slot) }
        let occupants = occupants(of: [channel], slot)
        if !occupants.isEmpty { context.tellNode(.note(.exited(occupants))) }
    }

    private func giveUp(_ channel: String, _ slot: UInt32) {
        guard let index = opening[slot]?.firstIndex(where: { ByteName($0) == ByteName(channel) }) else { return }
        opening[slot]?.remove(at: index)
        if opening[slot]?.isEmpty == true { opening[slot] = nil }
    }

    /// Anonymous clients occupy channels, and are nobody who joins them.
    private func occupants(of channels: [String], _ slot: UInt32) -> [Occupant] {
        let user = tellsUsers ? users.name(ofSlot: slot) : nil
        return channels.flatMap { channel in
            (tellsChannels ? [Occupant(channel: channel)] : [])
                + (user.map { [Occupant(channel: channel, user: $0)] } ?? [])
        }
    }

    private func note(
        _ kind: EventKind, of connection: Connection, _ members: [(name: String, value: String)], data: [UInt8]? = nil
    ) {
        guard kinds.contains(kind) else { return }
        let who = [
            (name: "connection", value: context.id(of: connection).description),
            (name: "user", value: users.name(of: connection) ?? Users.anonymous),
        ]
        let event = Event(kind, at: Int(Loop.unixTimeSeconds * 1000), who + members, data: data)
        context.tellNode(.note(.event(event)))
    }
}

@available(*, unavailable)
extension EventNotes: Sendable {}
