public import Bytes

/// What nodes tell each other of their members.
public enum GossipMessage: Equatable, Sendable {
    /// The node is there; `number` is that of its last changes.
    case alive(number: UInt64)
    /// Members have come to the node, or gone from it; numbered without holes.
    case changes(number: UInt64, [GossipChange])
    /// A part of all members of the node, after the changes with the number.
    case all(number: UInt64, part: Int, parts: Int, [GossipChange])
    /// Another node wants to know all members of one node; of each if `node` is nil.
    case ask(node: UInt64?)
}

/// That a node has a member of a channel, or has it no more.
public struct GossipChange: Equatable, Sendable {
    /// The channel.
    public let channel: ByteName
    /// The member.
    public let member: PresenceMember
    /// Whether the node has it.
    public let isArrival: Bool

    /// A change.
    public init(channel: ByteName, member: PresenceMember, isArrival: Bool) {
        (self.channel, self.member, self.isArrival) = (channel, member, isArrival)
    }

    var place: PresencePlace { PresencePlace(channel: channel, member: member.key) }
}

/// Keeps this node's table up to date with the members of other nodes, and the others with those of this one.
///
/// Each node owns its members. It numbers its changes and says every heartbeat that it is there, so others notice what
/// they have missed, and ask for all members. What a node had is gone when it was silent for two heartbeats. Messages
/// of one node arrive in order, or are lost. Times are milliseconds on one clock.
public struct PresenceGossip: Sendable {
    /// Changes in one message.
    static let changesPerMessage = 100
    /// How many members of nodes that are gone are removed at once.
    private static let removedAtOnce = 2_000
    /// The least time between two requests for all members of a node, and between two answers.
    private static let askPauseMilliseconds: UInt64 = 1000

    /// What is known of another node.
    private struct Peer: Sendable {
        var heardAt: UInt64
        /// The number of the last changes; nil if something was missed.
        var number: UInt64?
        var places: Set<PresencePlace> = []
        /// The parts of all its members that have come so far.
        var parts: [[GossipChange]] = []
        var partsNumber: UInt64 = 0
        var askedAt: UInt64?
    }

    private let node: UInt64
    private let heartbeat: UInt64
    private var peers: [UInt64: Peer] = [:]
    /// Of the last changes of this node.
    private var number: UInt64 = 0
    private var nextHeartbeat: UInt64 = 0
    private var isAsked = false
    private var toldAllAt: UInt64?
    private var asksAll = false
    /// Whether this node hears the others.
    public private(set) var isConnected = false
    /// Places of nodes that are gone.
    private var leftover: [(node: UInt64, place: PresencePlace)] = []

    /// - Parameters:
    ///   - node: the number of this node.
    ///   - heartbeat: how often a node says that it is there.
    public init(node: UInt64, heartbeat: UInt64) {
        (self.node, self.heartbeat) = (node, heartbeat)
    }

    /// The number of other nodes that are known.
    public var peerCount: Int { peers.count }

    /// This node hears the others from now on, and may have missed something before.
    public mutating func connected(at now: UInt64) {
        isConnected = true
        asksAll = true
        isAsked = true
        nextHeartbeat = now
        for id in peers.keys { peers[id]?.heardAt = now }
    }

    /// This node does not hear the others: their silence means nothing.
    public mutating func disconnected() { isConnected = false }

    // MARK: - Telling

    /// What to tell the other nodes now.
    public mutating func messages(at now: UInt64, _ table: inout PresenceTable) -> [GossipMessage] {
        let changes = table.takeOwnChanges()
        guard isConnected else {
            if !changes.isEmpty { number += 1 }  // others notice that they have missed this one
            return []
        }
        var messages = numbered(changes)
        if asksAll { messages.append(.ask(node: nil)) }
        asksAll = false
        for (id, peer) in peers where peer.number == nil && isDue(peer.askedAt, now) {
            peers[id]?.askedAt = now
            messages.append(.ask(node: id))
        }
        if isAsked, isDue(toldAllAt, now) {
            isAsked = false
            toldAllAt = now
            messages += all(table.ownMembers)
        }
        if messages.isEmpty, now >= nextHeartbeat { messages.append(.alive(number: number)) }
        if !messages.isEmpty { nextHeartbeat = now + heartbeat }
        return messages
    }

    private func isDue(_ last: UInt64?, _ now: UInt64) -> Bool {
        last.map { now >= $0 + PresenceGossip.askPauseMilliseconds } ?? true
    }

    private mutating func numbered(_ changes: [GossipChange]) -> [GossipMessage] {
        parts(of: changes).map { part in
            number += 1
            return .changes(number: number, part)
        }
    }

    private func all(_ members: [GossipChange]) -> [GossipMessage] {
        let parts = members.isEmpty ? [[]] : parts(of: members)
        return parts.enumerated().map { .all(number: number, part: $0, parts: parts.count, $1) }
    }

    private func parts(of changes: [GossipChange]) -> [[GossipChange]] {
        stride(from: 0, to: changes.count, by: PresenceGossip.changesPerMessage).map {
            Array(changes[$0..<min($0 + PresenceGossip.changesPerMessage, changes.count)])
        }
    }

    // MARK: - Hearing

    /// Takes what a node has told.
    public mutating func take(_ message: GossipMessage, from id: UInt64, at now: UInt64, _ table: inout PresenceTable) {
        guard id != node else { return }
        if case .ask(let asked) = message, asked == nil || asked == node { isAsked = true }
        peers[id, default: Peer(heardAt: now)].heardAt = now
        switch message {
        case .ask: break
        case .alive(let number): if peers[id]?.number != number { peers[id]?.number = nil }
        case .changes(let number, let changes): take(changes, number, from: id, &table)
        case .all(let number, let part, let parts, let changes):
            collect(changes, number, part, of: parts, from: id, &table)
        }
    }

    private mutating func take(
        _ changes: [GossipChange], _ number: UInt64, from id: UInt64, _ table: inout PresenceTable
    ) {
        guard let last = peers[id]?.number, number != last else { return }
        guard number == last + 1 else {
            peers[id]?.number = nil
            return
        }
        peers[id]?.number = number
        for change in changes { apply(change, from: id, &table) }
    }

    private mutating func collect(
        _ changes: [GossipChange], _ number: UInt64, _ part: Int, of parts: Int, from id: UInt64,
        _ table: inout PresenceTable
    ) {
        guard var peer = peers[id], peer.number == nil else { return }
        if part == 0 { (peer.parts, peer.partsNumber) = ([], number) }
        guard peer.partsNumber == number, part == peer.parts.count else {
            peers[id]?.parts = []
            return
        }
        peer.parts.append(changes)
        guard peer.parts.count == parts else {
            peers[id] = peer
            return
        }
        let members = peer.parts.flatMap { $0 }
        (peer.parts, peer.number, peer.askedAt) = ([], number, nil)
        peers[id] = peer
        replace(members, of: id, &table)
    }

    /// A node has these members, and no others.
    private mutating func replace(_ members: [GossipChange], of id: UInt64, _ table: inout PresenceTable) {
        let places = Set(members.map(\.place))
        for place in peers[id]?.places ?? [] where !places.contains(place) { table.depart(place, from: id) }
        for member in members where peers[id]?.places.contains(member.place) == false {
            table.arrive(member, at: id)
        }
        peers[id]?.places = places
    }

    private mutating func apply(_ change: GossipChange, from id: UInt64, _ table: inout PresenceTable) {
        if change.isArrival {
            if peers[id]?.places.insert(change.place).inserted == true { table.arrive(change, at: id) }
        } else if peers[id]?.places.remove(change.place) != nil {
            table.depart(change.place, from: id)
        }
    }

    // MARK: - Nodes that are gone

    /// Removes the members of nodes that were silent for two heartbeats, some at each call.
    public mutating func removeSilent(at now: UInt64, _ table: inout PresenceTable) {
        if isConnected {
            for (id, peer) in peers where peer.heardAt + 2 * heartbeat <= now {
                leftover += peer.places.map { (node: id, place: $0) }
                peers[id] = nil
            }
        }
        for (id, place) in leftover.suffix(PresenceGossip.removedAtOnce)
        where peers[id]?.places.contains(place) != true {
            table.depart(place, from: id)
        }
        leftover.removeLast(min(leftover.count, PresenceGossip.removedAtOnce))
    }
}
