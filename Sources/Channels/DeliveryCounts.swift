/// What became of messages, counted since the last call of `Hub.takeCounts`.
public struct DeliveryCounts: Sendable {
    /// Messages that the kernel accepted completely for a subscriber.
    public internal(set) var deliveries = 0
    /// Bytes that the kernel accepted.
    public internal(set) var sentBytes = 0
    /// Messages that were dropped, by `DropCause`.
    public internal(set) var dropped: [6 of Int] = .init(repeating: 0)
    /// Messages that were still queued when their connection ended.
    public internal(set) var droppedByClosing = 0
    /// Messages that were compressed, each counted once for all subscribers with the same form.
    public internal(set) var compressions = 0

    /// Messages that were dropped for slow consumers.
    var droppedBySlowness: Int {
        dropped.indices.reduce(0) { $1 == DropCause.interval.rawValue ? $0 : $0 + dropped[$1] }
    }
}
