public import Bytes

/// How many subscriptions channels have on each node.
public struct SubscriptionTally: Sendable {
    /// By node; none that is 0.
    private var counts: [UInt64: [ByteName: Int]] = [:]
    private var changed: Set<ByteName> = []

    /// How many subscriptions a channel has, on all nodes or all but one.
    public func count(_ channel: ByteName, besides node: UInt64? = nil) -> Int {
        counts.reduce(0) { $0 + ($1.key == node ? 0 : $1.value[channel] ?? 0) }
    }

    /// The channels of all nodes but one, with their subscriptions.
    public func channels(besides node: UInt64) -> [ByteName: Int] {
        counts.filter { $0.key != node }.values.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
    }

    /// Takes the channels whose subscriptions have become more or less since the last call.
    public mutating func takeChanged() -> Set<ByteName> {
        defer { changed = [] }
        return changed
    }

    /// The channels of a node, with their subscriptions.
    func channels(of node: UInt64) -> [ByteName: Int] { counts[node] ?? [:] }

    mutating func set(_ count: Int, of channel: ByteName, at node: UInt64) {
        guard counts[node]?[channel] ?? 0 != count else { return }
        counts[node, default: [:]][channel] = count == 0 ? nil : count
        changed.insert(channel)
    }

    /// A node has these subscriptions, and no others.
    mutating func replace(with new: [ByteName: Int], at node: UInt64) {
        for channel in Array(channels(of: node).keys) where new[channel] == nil { set(0, of: channel, at: node) }
        for (channel, count) in new { set(count, of: channel, at: node) }
    }

    /// A node is gone.
    mutating func remove(_ node: UInt64) {
        changed.formUnion(channels(of: node).keys)
        counts[node] = nil
    }
}
