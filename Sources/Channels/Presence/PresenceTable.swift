public import Bytes

/// The members of all channels whose rule asks for presence: those that this node owns, and those of other nodes.
///
/// A node has a member from its first subscription until the last one has ended and a grace time is over. A member has
/// gone when no node has it any more. Changes are collected for those who watch a channel. Not safe for several
/// threads: a lock protects it. Times are milliseconds on one clock.
public struct PresenceTable: Sendable {
    /// The most members that a list has.
    public static let maxListed = 10_000

    private struct Seat: Sendable {
        let member: PresenceMember
        let number: UInt64
        /// The nodes that have it; nearly always one.
        var owners: [UInt64]
    }

    /// What has happened in a channel since it was taken last.
    public struct Changes: Equatable, Sendable {
        /// The channel.
        public let channel: ByteName
        /// Who has come and gone, in order.
        public let changes: [PresenceChange]
        /// How many members the channel has now.
        public let count: Int
        /// How many connections are told.
        public let watchers: Int
        /// The number of the call that has taken it.
        public let number: UInt64
    }

    private let node: UInt64
    private let isShared: Bool
    private var attendance = Attendance<PresencePlace>()
    /// What this node has, if other nodes want to know it.
    private var own: [PresencePlace: PresenceMember] = [:]
    private var ownChanges: [GossipChange] = []
    /// Of channels with presence and without, as far as somebody wants to know them.
    public internal(set) var subscriptions = SubscriptionTally()
    private var channels: [ByteName: [MemberKey: Seat]] = [:]
    private var watchers: [ByteName: Int] = [:]
    private var changes: [ByteName: [PresenceChange]] = [:]
    private var lastNumber: UInt64 = 0
    private var takings: UInt64 = 0
    /// Members of all channels together.
    public private(set) var memberCount = 0

    /// Nobody is anywhere.
    ///
    /// - Parameters:
    ///   - node: the number of this node.
    ///   - isShared: whether there may be other nodes.
    public init(node: UInt64 = 0, isShared: Bool = false) {
        (self.node, self.isShared) = (node, isShared)
    }

    /// A connection has joined a channel.
    public mutating func enter(_ channel: ByteName, _ member: PresenceMember) {
        let place = PresencePlace(channel: channel, member: member.key)
        guard attendance.enter(place) else { return }
        if isShared {
            own[place] = member
            ownChanges.append(GossipChange(channel: channel, member: member, isArrival: true))
        }
        arrive(member, in: channel, at: node)
    }

    /// A connection has left a channel.
    ///
    /// - Parameter grace: milliseconds within which the member may come back without having been gone.
    public mutating func exit(_ channel: ByteName, _ member: PresenceMember, at now: UInt64, grace: UInt64) {
        attendance.exit(PresencePlace(channel: channel, member: member.key), at: now, grace: grace)
    }

    /// Removes the members of this node whose grace time is over.
    public mutating func removeGone(at now: UInt64) {
        for place in attendance.takeGone(at: now) {
            if let member = own.removeValue(forKey: place) {
                ownChanges.append(GossipChange(channel: place.channel, member: member, isArrival: false))
            }
            depart(place, from: node)
        }
    }

    /// How many members a channel has.
    public func count(_ channel: ByteName) -> Int { channels[channel]?.count ?? 0 }

    /// Whether a channel has a member, on whichever node.
    public func has(_ member: PresenceMember, in channel: ByteName) -> Bool { channels[channel]?[member.key] != nil }

    /// The members of a channel.
    public func list(_ channel: ByteName) -> PresenceList {
        let seats = channels[channel]?.values.sorted { $0.number < $1.number } ?? []
        return PresenceList(members: seats.prefix(PresenceTable.maxListed).map(\.member), count: count(channel))
    }

    // MARK: - Nodes

    /// A node has a member.
    mutating func arrive(_ member: PresenceMember, in channel: ByteName, at node: UInt64) {
        let key = member.key
        if let seat = channels[channel]?[key] {
            if !seat.owners.contains(node) { channels[channel]?[key]?.owners.append(node) }
            return
        }
        lastNumber += 1
        channels[channel, default: [:]][key] = Seat(member: member, number: lastNumber, owners: [node])
        memberCount += 1
        note(channel, PresenceChange(member: member, isArrival: true))
    }

    /// A node has a member no more.
    mutating func depart(_ place: PresencePlace, from node: UInt64) {
        guard var seat = channels[place.channel]?[place.member],
            let index = seat.owners.firstIndex(of: node)
        else { return }
        seat.owners.remove(at: index)
        guard seat.owners.isEmpty else {
            channels[place.channel]?[place.member] = seat
            return
        }
        channels[place.channel]?[place.member] = nil
        if channels[place.channel]?.isEmpty == true { channels[place.channel] = nil }
        memberCount -= 1
        note(place.channel, PresenceChange(member: seat.member, isArrival: false))
    }

    /// Takes what has changed on this node since the last call.
    mutating func takeOwnChanges() -> [GossipChange] {
        defer { ownChanges = [] }
        return ownChanges
    }

    /// What this node has.
    var ownState: [GossipChange] {
        own.map { GossipChange(channel: $0.channel, member: $1, isArrival: true) }
            + subscriptions.channels(of: node).map { GossipChange(channel: $0, .subscriptions($1)) }
    }

    /// This node has so many subscriptions of a channel.
    public mutating func setSubscriptions(_ count: Int, of channel: ByteName) {
        subscriptions.set(count, of: channel, at: node)
        if isShared { ownChanges.append(GossipChange(channel: channel, .subscriptions(count))) }
    }

    /// Takes the channels whose subscriptions have become more or less since the last call.
    public mutating func takeCountedChannels() -> Set<ByteName> { subscriptions.takeChanged() }

    // MARK: - Watching

    /// A connection wants to be told of a channel's changes.
    ///
    /// - Returns: which of them happen from now on.
    @discardableResult
    public mutating func watch(_ channel: ByteName) -> PresenceStart {
        watchers[channel, default: 0] += 1
        return PresenceStart(number: takings + 1, offset: changes[channel]?.count ?? 0)
    }

    /// A connection does not want to be told of them any more.
    public mutating func unwatch(_ channel: ByteName) {
        guard let count = watchers[channel] else { return }
        watchers[channel] = count > 1 ? count - 1 : nil
        if count == 1 { changes[channel] = nil }
    }

    /// Takes what has changed since the last call in the channels that are watched.
    public mutating func takeChanges() -> [Changes] {
        guard !changes.isEmpty else { return [] }
        defer { changes = [:] }
        takings += 1
        return changes.map { channel, changes in
            Changes(
                channel: channel, changes: changes, count: count(channel),
                watchers: watchers[channel] ?? 0, number: takings)
        }
    }

    private mutating func note(_ channel: ByteName, _ change: PresenceChange) {
        guard watchers[channel] != nil else { return }
        changes[channel, default: []].append(change)
    }
}
