internal import Bytes

/// Keeps this node's table up to date with the members and subscriptions of other nodes, and the others with those of
/// this one.
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

    /// Whether this node has the smallest number, so that it does what one node should.
    public var isFirst: Bool { peers.keys.allSatisfy { node < $0 } }

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
            messages += all(table.ownState)
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
        let state = peer.parts.flatMap { $0 }
        (peer.parts, peer.number, peer.askedAt) = ([], number, nil)
        peers[id] = peer
        replace(state, of: id, &table)
    }

    /// A node has these members and subscriptions, and no others.
    private mutating func replace(_ state: [GossipChange], of id: UInt64, _ table: inout PresenceTable) {
        var members: [PresencePlace: PresenceMember] = [:]
        var subscriptions: [ByteName: Int] = [:]
        for change in state {
            switch change.fact {
            case .member(let member, _): members[PresencePlace(channel: change.channel, member: member.key)] = member
            case .subscriptions(let count): subscriptions[change.channel] = count
            }
        }
        for place in peers[id]?.places ?? [] where members[place] == nil { table.depart(place, from: id) }
        for (place, member) in members where peers[id]?.places.contains(place) == false {
            table.arrive(member, in: place.channel, at: id)
        }
        peers[id]?.places = Set(members.keys)
        table.subscriptions.replace(with: subscriptions, at: id)
    }

    private mutating func apply(_ change: GossipChange, from id: UInt64, _ table: inout PresenceTable) {
        switch change.fact {
        case .member(let member, let isArrival):
            let place = PresencePlace(channel: change.channel, member: member.key)
            if isArrival {
                guard peers[id]?.places.insert(place).inserted == true else { return }
                table.arrive(member, in: change.channel, at: id)
            } else if peers[id]?.places.remove(place) != nil {
                table.depart(place, from: id)
            }
        case .subscriptions(let count): table.subscriptions.set(count, of: change.channel, at: id)
        }
    }

    // MARK: - Nodes that are gone

    /// Removes the members of nodes that were silent for two heartbeats, some at each call.
    public mutating func removeSilent(at now: UInt64, _ table: inout PresenceTable) {
        if isConnected {
            for (id, peer) in peers where peer.heardAt + 2 * heartbeat <= now {
                leftover += peer.places.map { (node: id, place: $0) }
                table.subscriptions.remove(id)
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
