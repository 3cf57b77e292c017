public import Broker
internal import DequeModule

/// Keeps the broker's census up to date with the occupants of this node, so that of all nodes one tells of each event.
///
/// One report is under way at a time, and made again until it is answered. Times are milliseconds on one clock.
public struct CensusLedger {
    /// What this node must tell the backend.
    public struct Decision: Equatable, Sendable {
        /// What has come to all nodes together, or gone from them.
        public let occupant: Occupant
        /// Whether it has come.
        public let isArrival: Bool
        /// Larger for later decisions of all nodes.
        public let order: Int

        /// A decision.
        public init(occupant: Occupant, isArrival: Bool, order: Int) {
            (self.occupant, self.isArrival, self.order) = (occupant, isArrival, order)
        }
    }

    static let maxChanges = 200
    /// A node that is silent for `RedisBridge`'s lease of 30 s is forgotten.
    static let intervalMilliseconds: UInt64 = 5000
    static let retryMilliseconds: UInt64 = 500

    private let node: String
    /// The occupants that the node has.
    private var present: Set<Occupant> = []
    /// Those that the census has for this node.
    private var counted: Set<Occupant> = []
    /// Those in which the two may differ, oldest first.
    private var open = Deque<Occupant>()
    private var number = 0
    private var continues = false
    /// The report that is not answered.
    private var last: CensusReport?
    private var sent: [(occupant: Occupant, isArrival: Bool)] = []
    private var isUnderWay = false
    private var nextMilliseconds: UInt64 = 0

    /// - Parameter node: the node's name.
    public init(node: String) {
        self.node = node
    }

    /// An occupant has come to this node.
    public mutating func arrive(_ occupant: Occupant) {
        present.insert(occupant)
        review(occupant)
    }

    /// An occupant has gone from this node.
    public mutating func depart(_ occupant: Occupant) {
        present.remove(occupant)
        review(occupant)
    }

    /// Begins a report, if one is to be made now.
    public mutating func beginReport(at now: UInt64) -> CensusReport? {
        guard !isUnderWay else { return nil }
        if let last {
            guard now >= nextMilliseconds else { return nil }
            isUnderWay = true
            return last
        }
        takeChanges()
        guard !sent.isEmpty || now >= nextMilliseconds else { return nil }
        number += 1
        let changes = sent.map { CensusReport.Change($0.occupant.name, isArrival: $0.isArrival) }
        let report = CensusReport(node: node, number: number, continues: continues, changes: changes)
        last = report
        isUnderWay = true
        return report
    }

    /// The report was not answered.
    public mutating func failed(at now: UInt64) {
        isUnderWay = false
        nextMilliseconds = now + CensusLedger.retryMilliseconds
    }

    /// Takes the answer to the report.
    ///
    /// - Returns: what this node must tell: the occupants that have come to all nodes together, or gone from them.
    public mutating func take(_ answer: CensusAnswer, at now: UInt64) -> [Decision] {
        isUnderWay = false
        last = nil
        switch answer {
        case .forgotten:
            nextMilliseconds = now
            startOver()
            return []
        case .taken(let order, let decisive, let gone, let isMore):
            continues = true
            nextMilliseconds = isMore ? now : now + CensusLedger.intervalMilliseconds
            var decisions: [Decision] = []
            for (change, isDecisive) in zip(sent, decisive) {
                if change.isArrival { counted.insert(change.occupant) } else { counted.remove(change.occupant) }
                guard isDecisive else { continue }
                decisions.append(Decision(occupant: change.occupant, isArrival: change.isArrival, order: order))
            }
            sent = []
            return decisions + gone.map { Decision(occupant: Occupant(named: $0), isArrival: false, order: order) }
        }
    }

    /// What was forgotten is reported anew; of what is not there any more, something may be left.
    private mutating func startOver() {
        continues = false
        counted.subtract(present)
        open = Deque(present)
        open.append(contentsOf: counted)
        sent = []
    }

    /// While the broker is away, what comes and goes must not fill the memory.
    private mutating func review(_ occupant: Occupant) {
        open.append(occupant)
        guard open.count > 2 * (present.count + counted.count) + CensusLedger.maxChanges else { return }
        var kept: Set<Occupant> = []
        open = Deque(
            open.filter { present.contains($0) != counted.contains($0) && kept.insert($0).inserted })
    }

    /// The number of occupants to look at.
    var openCount: Int { open.count }

    private mutating func takeChanges() {
        var taken: Set<Occupant> = []
        while sent.count < CensusLedger.maxChanges, let occupant = open.popFirst() {
            let isPresent = present.contains(occupant)
            guard isPresent != counted.contains(occupant), taken.insert(occupant).inserted else { continue }
            sent.append((occupant: occupant, isArrival: isPresent))
        }
    }
}
