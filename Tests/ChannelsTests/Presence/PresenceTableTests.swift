import Bytes
import TestSupport
import Testing

@testable import Channels

private let room = ByteName("room")

private func named(_ user: String, _ connection: String = "1") -> PresenceMember {
    PresenceMember(id: connection, user: user, info: nil, isNamed: true)
}

private func anonymous(_ connection: String) -> PresenceMember {
    PresenceMember(id: connection, user: "anonymous", info: nil, isNamed: false)
}

extension PresenceTable.Changes {
    fileprivate var texts: [String] { changes.map { "\($0.isArrival ? "+" : "-")\($0.member.user)\($0.member.id)" } }
}

@Suite final class PresenceTableTests {
    private var table = PresenceTable()

    /// What watchers of the room are told.
    private func told(at now: UInt64 = 0) -> [String] {
        table.removeGone(at: now)
        let changes = table.takeChanges()
        #expect(changes.count <= 1 && changes.allSatisfy { $0.channel == room })
        return changes.first?.texts ?? []
    }

    @Test func aUserIsOneMemberAndOthersAreAsManyAsTheirConnections() {
        table.watch(room)
        for member in [named("ann", "1"), named("ann", "2"), anonymous("3"), anonymous("4"), named("3", "5")] {
            table.enter(room, member)
        }
        #expect(told() == ["+ann1", "+anonymous3", "+anonymous4", "+35"])
        let list = table.list(room)
        #expect(list.members.map(\.id) == ["1", "3", "4", "5"] && list.count == 4 && table.memberCount == 4)
        table.exit(room, named("ann", "1"), at: 0, grace: 0)
        #expect(told().isEmpty)
        table.exit(room, named("ann", "2"), at: 0, grace: 0)
        table.exit(room, anonymous("3"), at: 0, grace: 0)
        #expect(Set(told()) == ["-ann1", "-anonymous3"], "a member keeps the id that it came with")
    }

    @Test func whoIsBackInTimeWasNotGone() {
        table.watch(room)
        table.enter(room, named("ann", "1"))
        #expect(told() == ["+ann1"])
        table.exit(room, named("ann", "1"), at: 0, grace: 1000)
        #expect(told(at: 999).isEmpty && table.list(room).count == 1)
        table.enter(room, named("ann", "2"))
        #expect(told(at: 5000).isEmpty)
        table.exit(room, named("ann", "2"), at: 5000, grace: 1000)
        #expect(told(at: 6000) == ["-ann1"])
        #expect(table.list(room) == PresenceList(members: [], count: 0) && table.memberCount == 0)
    }

    @Test func aWatcherKnowsWhichChangesItHasSeen() throws {
        table.watch(room)
        table.enter(room, named("ann"))
        #expect(told() == ["+ann1"])
        table.enter(room, named("bob"))
        let start = table.watch(room)
        table.enter(room, named("eve"))
        let changes = try #require(table.takeChanges().first)
        #expect(changes.texts == ["+bob1", "+eve1"])
        #expect(start.rest(of: changes.texts, takenAs: changes.number) == ["+eve1"])
        #expect(start.rest(of: changes.texts, takenAs: changes.number - 1).isEmpty)
        #expect(start.rest(of: changes.texts, takenAs: changes.number + 1).count == 2)
    }

    @Test func onlyWhatIsWatchedIsTold() {
        table.enter(room, named("ann"))
        table.watch(room)
        table.watch(room)
        table.enter(ByteName("other"), named("ann"))
        table.enter(room, named("bob"))
        table.unwatch(room)
        #expect(told() == ["+bob1"])
        table.enter(room, named("cid"))
        table.unwatch(room)
        table.enter(room, named("dan"))
        #expect(told().isEmpty)
        table.unwatch(room)
        #expect(table.list(room).count == 4)
    }

    @Test func aLongListIsCut() {
        for number in 0..<10_500 { table.enter(room, named("\(number)", "\(number)")) }
        let list = table.list(room)
        #expect(list.count == 10_500 && list.members.map(\.id) == (0..<10_000).map { "\($0)" })
    }

    /// Random comings and goings, against a table that looks at everything in each millisecond.
    @Test(arguments: 1...10 as ClosedRange<UInt64>) func behavesLikeANaiveTable(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var naive = NaiveTable()
        var open: [(user: String, connection: String)] = []
        table.watch(room)
        for now in 0..<2_000 as Range<UInt64> {
            if Int.random(in: 0..<3, using: &random) == 0 {
                let client = (user: "u\(Int.random(in: 0..<5, using: &random))", connection: "\(now)")
                open.append(client)
                table.enter(room, named(client.user, client.connection))
                naive.enter(client.user)
            } else if let index = open.indices.randomElement(using: &random), Bool.random(using: &random) {
                let client = open.remove(at: index)
                let grace = UInt64([0, 20, 50].randomElement(using: &random)!)
                table.exit(room, named(client.user, client.connection), at: now, grace: grace)
                naive.exit(client.user, until: now + grace)
            }
            naive.advance(to: now)
            table.removeGone(at: now)
            #expect(Set(table.list(room).members.map(\.user)) == naive.present)
            guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
            let changes = table.takeChanges().first?.changes ?? []
            #expect(changes.map(\.isArrival).count == naive.told.count)
            #expect(Set(changes.map { "\($0.isArrival)\($0.member.user)" }) == Set(naive.told))
            naive.told = []
        }
    }
}

private struct NaiveTable {
    private var connections: [String: Int] = [:]
    private var ends: [String: UInt64] = [:]
    var present: Set<String> = []
    var told: [String] = []

    mutating func enter(_ user: String) {
        connections[user, default: 0] += 1
        ends[user] = nil
        if present.insert(user).inserted { told.append("true\(user)") }
    }

    mutating func exit(_ user: String, until end: UInt64) {
        connections[user, default: 0] -= 1
        if connections[user] == 0 { ends[user] = end }
    }

    mutating func advance(to now: UInt64) {
        for (user, end) in ends where end <= now {
            ends[user] = nil
            present.remove(user)
            told.append("false\(user)")
        }
    }
}
