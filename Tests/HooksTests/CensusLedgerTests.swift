import Broker
import Testing

@testable import Hooks

/// A census that several ledgers report to, as the script in Redis keeps it.
private final class Census {
    var nodes: [String: Set<String>] = [:]
    var answers: [String: (number: Int, answer: CensusAnswer)] = [:]
    private var order = 0

    func nextOrder() -> Int {
        order += 1
        return order
    }

    func take(_ report: CensusReport) -> CensusAnswer {
        if let last = answers[report.node], last.number == report.number { return last.answer }
        guard !report.continues || nodes[report.node] != nil else { return .forgotten }
        let decisive = report.changes.map { change in
            if change.isArrival {
                let isFirst = !has(change.name)
                return nodes[report.node, default: []].insert(change.name).inserted && isFirst
            }
            return nodes[report.node]?.remove(change.name) != nil && !has(change.name)
        }
        if nodes[report.node] == nil { nodes[report.node] = [] }
        let answer = CensusAnswer.taken(order: nextOrder(), decisive: decisive, gone: [], isMore: false)
        answers[report.node] = (number: report.number, answer: answer)
        return answer
    }

    /// Forgets a node; returns what no node has any more.
    func forget(_ node: String) -> [String] {
        answers[node] = nil
        return (nodes.removeValue(forKey: node) ?? []).filter { !has($0) }
    }

    private func has(_ name: String) -> Bool { nodes.values.contains { $0.contains(name) } }
}

/// A node that reports to the census.
private final class Node {
    let name: String
    private var ledger: CensusLedger
    private let census: Census

    init(_ name: String, _ census: Census) {
        self.name = name
        self.census = census
        ledger = CensusLedger(node: name)
    }

    func arrive(_ occupant: Occupant) { ledger.arrive(occupant) }
    func depart(_ occupant: Occupant) { ledger.depart(occupant) }
    func begin(at now: UInt64) -> CensusReport? { ledger.beginReport(at: now) }
    func take(_ answer: CensusAnswer) -> [CensusLedger.Decision] { ledger.take(answer, at: 0) }

    /// Makes the reports that are due; with `losing`, no answer arrives.
    func settle(at now: UInt64 = 0, losing: Bool = false) -> [EventKind] {
        decisions(at: now, losing: losing).map { $0.occupant.event(isArrival: $0.isArrival) }
    }

    func decisions(at now: UInt64, losing: Bool = false) -> [CensusLedger.Decision] {
        var decisions: [CensusLedger.Decision] = []
        while let report = ledger.beginReport(at: now) {
            let answer = census.take(report)
            if losing { ledger.failed(at: now) } else { decisions += ledger.take(answer, at: now) }
        }
        return decisions
    }
}

@Suite struct CensusLedgerTests {
    private let census = Census()
    private let room = Occupant(channel: "room")
    private let hall = Occupant(channel: "hall")

    @Test func ofAllNodesOneTellsOfTheFirstAndOneOfTheLast() {
        let (a, b) = (Node("a", census), Node("b", census))
        a.arrive(room)
        #expect(a.settle() == [.occupied])
        b.arrive(room)
        #expect(b.settle() == [])
        a.depart(room)
        #expect(a.settle() == [])
        b.depart(room)
        #expect(b.settle() == [.vacated])
    }

    @Test func whatIsOverBeforeItIsReportedIsNot() {
        let a = Node("a", census)
        _ = a.settle()
        a.arrive(room)
        a.depart(room)
        #expect(a.begin(at: 0) == nil)
        a.arrive(hall)
        a.depart(hall)
        a.arrive(hall)
        #expect(a.begin(at: 0)?.changes == [.init("hall", isArrival: true)])
    }

    @Test func anUnansweredReportIsMadeAgainAndTakenOnce() {
        let a = Node("a", census)
        a.arrive(room)
        #expect(a.settle(losing: true) == [])
        a.arrive(hall)
        #expect(a.begin(at: 499) == nil)
        #expect(a.settle(at: 500) == [.occupied, .occupied])
        a.depart(room)
        _ = a.settle(at: 500, losing: true)
        #expect(a.settle(at: 1000) == [.vacated])
    }

    @Test func aNodeThatWasForgottenReportsEverythingAnew() {
        let (a, b) = (Node("a", census), Node("b", census))
        a.arrive(room)
        a.arrive(hall)
        #expect(a.settle() == [.occupied, .occupied])
        b.arrive(room)
        #expect(b.settle() == [])
        #expect(census.forget("a") == ["hall"])
        a.depart(hall)
        // The room is still occupied, and the hall was vacated by the census.
        #expect(a.settle() == [])
        #expect(census.nodes["a"] == ["room"])
        b.depart(room)
        #expect(b.settle() == [])
        a.depart(room)
        #expect(a.settle() == [.vacated])
    }

    @Test func aNodeSaysThatItIsThere() {
        let a = Node("a", census)
        #expect(a.begin(at: 0)?.changes == [])
        _ = a.take(.taken(order: 5, decisive: [], gone: ["room", "ann\troom"], isMore: true))
        #expect(a.begin(at: 0)?.number == 2)
        let decisions = a.take(.taken(order: 5, decisive: [], gone: ["room", "ann\troom"], isMore: false))
        let gone = [room, Occupant(channel: "room", user: "ann")]
        #expect(decisions == gone.map { .init(occupant: $0, isArrival: false, order: 5) })
        #expect(a.begin(at: CensusLedger.intervalMilliseconds - 1) == nil)
        #expect(a.begin(at: CensusLedger.intervalMilliseconds)?.continues == true)
    }

    @Test func whatComesAndGoesWhileTheBrokerIsAwayTakesNoMemory() {
        var ledger = CensusLedger(node: "a")
        ledger.arrive(room)
        for number in 0..<10_000 {
            ledger.arrive(Occupant(channel: "\(number)"))
            ledger.depart(Occupant(channel: "\(number)"))
        }
        #expect(ledger.openCount <= CensusLedger.maxChanges + 4)
        let report = ledger.beginReport(at: 0)
        #expect(report?.changes == [.init("room", isArrival: true)])
    }

    @Test func aReportHasALimit() {
        let a = Node("a", census)
        for number in 0...CensusLedger.maxChanges { a.arrive(Occupant(channel: "\(number)")) }
        #expect(a.begin(at: 0)?.changes.count == CensusLedger.maxChanges)
    }

    /// Whatever nodes do and is lost or forgotten, occupied and vacated alternate in their order.
    ///
    /// Only a node that is forgotten before its report was answered may owe an event.
    @Test func eventsAlternateWhateverHappens() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let census = Census()
            let nodes = ["a", "b", "c"].map { Node($0, census) }
            var present = [false, false, false]
            var told: [Int: Bool] = [:]
            var now: UInt64 = 0
            func tell(_ decisions: [CensusLedger.Decision]) {
                for decision in decisions { told[decision.order] = decision.isArrival }
            }
            var isUnanswered = [false, false, false]
            for _ in 0..<60 {
                let index = Int.random(in: 0..<3, using: &random)
                now += 1000
                switch Int.random(in: 0..<8, using: &random) {
                case 0..<4:
                    present[index].toggle()
                    if present[index] { nodes[index].arrive(room) } else { nodes[index].depart(room) }
                case 4 where isUnanswered[index]: break
                case 4: if !census.forget(nodes[index].name).isEmpty { told[census.nextOrder()] = false }
                case 5:
                    isUnanswered[index] = true
                    tell(nodes[index].decisions(at: now, losing: true))
                default:
                    isUnanswered[index] = false
                    tell(nodes[index].decisions(at: now))
                }
            }
            for index in nodes.indices {
                tell(nodes[index].decisions(at: now + 10_000))
            }
            let arrivals = told.sorted { $0.key < $1.key }.map(\.value)
            #expect(arrivals == arrivals.indices.map { $0.isMultiple(of: 2) })
            #expect(arrivals.last ?? false == present.contains(true))
        }
    }
}
