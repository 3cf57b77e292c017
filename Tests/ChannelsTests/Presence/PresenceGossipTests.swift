import Bytes
import TestSupport
import Testing

@testable import Channels

private let room = ByteName("room")
private let heartbeat: UInt64 = 1000

private func member(_ user: String, _ id: String = "1") -> PresenceMember {
    PresenceMember(id: id, user: user, info: nil, isNamed: true)
}

/// A node with its table; what it tells goes to all others, in order.
private struct Node {
    let id: UInt64
    var table: PresenceTable
    var gossip: PresenceGossip
    /// By the number of the sender; what was told and not heard yet.
    var inbox: [(from: UInt64, message: GossipMessage)] = []
    var isCut = false
    /// Who the watchers of the room think is there.
    var seen: Set<String> = []

    init(_ id: UInt64) {
        self.id = id
        table = PresenceTable(node: id, isShared: true)
        gossip = PresenceGossip(node: id, heartbeat: heartbeat)
        table.watch(room)
    }

    var users: Set<String> { Set(table.list(room).members.map(\.user)) }

    /// Ends grace times and other nodes, and says what to tell.
    mutating func tell(at now: UInt64) -> [GossipMessage] {
        table.removeGone(at: now)
        gossip.removeSilent(at: now, &table)
        return gossip.messages(at: now, &table)
    }

    mutating func hear(at now: UInt64) {
        for (from, message) in inbox { gossip.take(message, from: from, at: now, &table) }
        inbox = []
    }

    /// Joins come only for those who were not there, and leaves for those who were.
    mutating func see() {
        for change in table.takeChanges().flatMap(\.changes) {
            if change.isArrival {
                #expect(seen.insert(change.member.user).inserted, "a second join")
            } else {
                #expect(seen.remove(change.member.user) != nil, "a leave without a join")
            }
        }
        #expect(seen.count == table.memberCount)
    }
}

private struct Network {
    var nodes: [Node] = []
    var now: UInt64 = 0

    mutating func start(_ id: UInt64) {
        nodes.append(Node(id))
        nodes[nodes.count - 1].gossip.connected(at: now)
    }

    mutating func cut(_ index: Int) {
        nodes[index].isCut = true
        nodes[index].inbox = []
        nodes[index].gossip.disconnected()
    }

    mutating func mend(_ index: Int) {
        nodes[index].isCut = false
        nodes[index].gossip.connected(at: now)
    }

    /// A tick of all nodes; each message reaches each node, unless `isLost` says so.
    mutating func tick(_ isLost: () -> Bool = { false }) {
        now += 250
        for index in nodes.indices {
            let messages = nodes[index].tell(at: now)
            let id = nodes[index].id
            for message in messages where !nodes[index].isCut {
                for other in nodes.indices where !nodes[other].isCut && !isLost() {
                    nodes[other].inbox.append((id, message))
                }
            }
        }
        for index in nodes.indices {
            nodes[index].hear(at: now)
            nodes[index].see()
        }
    }

    mutating func tick(_ count: Int) { for _ in 0..<count { tick() } }
}

@Suite final class PresenceGossipTests {
    private var network = Network()

    private func start(_ count: UInt64) {
        for id in 1...count { network.start(id) }
    }

    private func enter(_ index: Int, _ user: String) { network.nodes[index].table.enter(room, member(user)) }
    private func exit(_ index: Int, _ user: String) {
        network.nodes[index].table.exit(room, member(user), at: network.now, grace: 0)
    }
    private func users(_ index: Int) -> Set<String> { network.nodes[index].users }

    @Test func membersOfOneNodeAreSeenOnAll() {
        start(3)
        enter(0, "ann")
        enter(1, "bob")
        network.tick(2)
        for index in 0..<3 { #expect(users(index) == ["ann", "bob"]) }
        exit(0, "ann")
        network.tick(2)
        for index in 0..<3 { #expect(users(index) == ["bob"]) }
    }

    @Test func aUserIsThereWhileAnyNodeHasIt() {
        start(3)
        enter(0, "ann")
        enter(1, "ann")
        network.tick(2)
        exit(0, "ann")
        network.tick(2)
        for index in 0..<3 { #expect(users(index) == ["ann"]) }
        exit(1, "ann")
        network.tick(2)
        for index in 0..<3 { #expect(users(index) == []) }
    }

    @Test func aNewNodeLearnsAllMembers() {
        start(1)
        for number in 0..<1_234 { enter(0, "u\(number)") }
        network.tick(10)
        network.start(2)
        network.tick(8)
        #expect(users(1).count == 1_234)
    }

    @Test func whoWasOnADeadNodeHasGoneAfterTwoHeartbeats() {
        start(3)
        for number in 0..<5_000 { enter(0, "u\(number)") }
        enter(1, "u7")
        network.tick(8)
        #expect(users(2).count == 5_000)
        network.nodes.removeFirst()
        network.tick(Int(heartbeat / 250))
        #expect(users(0).count == 5_000, "it may have lost one heartbeat")
        network.tick(Int(heartbeat / 250) + 3)
        for index in 0..<2 { #expect(users(index) == ["u7"]) }
        #expect(network.nodes[0].gossip.peerCount == 1)
    }

    @Test func aNodeWithoutABrokerKeepsWhatItKnows() {
        start(2)
        enter(0, "ann")
        enter(1, "bob")
        network.tick(4)
        network.cut(0)
        enter(0, "cid")
        network.tick(20)
        #expect(users(0) == ["ann", "bob", "cid"])
        #expect(users(1) == ["bob"], "the other one cannot know that it lives")
        exit(0, "ann")
        network.mend(0)
        network.tick(8)
        for index in 0..<2 { #expect(users(index) == ["bob", "cid"]) }
    }

    /// Members come and go, messages are lost, nodes are cut, die and start: in the end all nodes know the same, and no
    /// watcher was told anything twice.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func allNodesAgreeInTheEnd(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        start(3)
        var lastID: UInt64 = 3
        var here: [UInt64: [String]] = [:]
        for _ in 0..<250 {
            for index in network.nodes.indices {
                let id = network.nodes[index].id
                if random.chance(40) {
                    let user = "u\(Int.random(in: 0..<30, using: &random))"
                    enter(index, user)
                    here[id, default: []].append(user)
                }
                if random.chance(35), let place = here[id]?.indices.randomElement(using: &random),
                    let user = here[id]?.remove(at: place)
                {
                    exit(index, user)
                }
                if random.chance(2) {
                    if network.nodes[index].isCut { network.mend(index) } else { network.cut(index) }
                }
            }
            if random.chance(1), network.nodes.count > 1 { here[network.nodes.removeFirst().id] = nil }
            if random.chance(1) {
                lastID += 1
                network.start(lastID)
            }
            network.tick { random.chance(10) }
        }
        for index in network.nodes.indices where network.nodes[index].isCut { network.mend(index) }
        network.tick(40)
        let expected = Set(network.nodes.flatMap { here[$0.id] ?? [] })
        for node in network.nodes { #expect(node.users == expected && node.seen == expected) }
    }
}
