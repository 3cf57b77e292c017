/// Counts which nodes of a broker have something, such as subscribers of a channel.
///
/// Of all nodes, exactly one learns that it was the first to have it, and one that it was the last.
///
/// What a node has is forgotten when it does not report for a while. Confined to one loop, as the broker.
public protocol NodeCensus: AnyObject {
    /// Reports what has changed on this node.
    ///
    /// - Parameter completion: runs once, possibly inside this call. After a failure the report may have been taken or
    ///   not: the same one must be made again, and is taken once.
    func report(_ report: CensusReport, completion: @escaping (Result<CensusAnswer, BrokerFailure>) -> Void)
}

/// What has changed on a node since its last report.
public struct CensusReport: Sendable, Equatable {
    /// Something that a node has now, or has no more.
    public struct Change: Sendable, Equatable {
        /// What it is; without line breaks.
        public let name: String
        /// Whether the node has it now.
        public let isArrival: Bool

        /// A change.
        public init(_ name: String, isArrival: Bool) {
            (self.name, self.isArrival) = (name, isArrival)
        }
    }

    /// The node's name; all nodes' names have the same length.
    public let node: String
    /// Counts the node's reports.
    public let number: Int
    /// Whether the node relies on what it has reported so far.
    public let continues: Bool
    /// What has changed; empty to say only that the node is there.
    public let changes: [Change]

    /// A report.
    public init(node: String, number: Int, continues: Bool, changes: [Change]) {
        (self.node, self.number, self.continues, self.changes) = (node, number, continues, changes)
    }
}

/// The answer to a report.
public enum CensusAnswer: Sendable, Equatable {
    /// The report was taken.
    ///
    /// - order: larger than that of every report that was taken before, of any node.
    /// - decisive: for each change, whether no other node has it.
    /// - gone: what no node has any more, since the last node that had it was forgotten.
    /// - isMore: whether another report would find more of that.
    case taken(order: Int, decisive: [Bool], gone: [String], isMore: Bool)
    /// What the node has reported so far was forgotten, and the report was not taken.
    case forgotten
}
