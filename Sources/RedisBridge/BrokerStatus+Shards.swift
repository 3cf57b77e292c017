internal import Broker

extension BrokerStatus {
    /// The combined status of all shards: the state is the worst one.
    static func combining(_ shards: [BrokerStatus]) -> BrokerStatus {
        let order: [State] = [.connected, .silent, .connecting, .disconnected]
        let rank = { (status: BrokerStatus) in (order.firstIndex(of: status.state) ?? 0, status.isUsable ? 0 : 1) }
        guard var worst = shards.max(by: { rank($0) < rank($1) }) else {
            return BrokerStatus(state: .connecting, sinceMilliseconds: 0)
        }
        worst.reconnects = shards.reduce(0) { $0 + $1.reconnects }
        worst.overruns = shards.reduce(0) { $0 + $1.overruns }
        worst.queuedCommands = shards.reduce(0) { $0 + $1.queuedCommands }
        worst.subscribedChannels = shards.reduce(0) { $0 + $1.subscribedChannels }
        worst.probeMilliseconds = worst.state == .connected ? shards.compactMap(\.probeMilliseconds).max() : nil
        return worst
    }
}
