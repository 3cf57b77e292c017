internal import Broker
internal import Bytes
internal import WSLoop

/// The shards of a cluster's servers: slots that move to another server take their channels along.
final class ClusterShards {
    private unowned let bridge: RedisBridge
    private let loop: Loop
    private var shardOfServer: [RedisServer: RedisShard] = [:]
    /// The slots of each server, as far as known.
    private var map: [RedisServer: SlotSet] = [:]
    /// When a server last redirected us for a slot.
    private var redirectedAt: [Int: UInt64] = [:]
    /// The counts of shards that no longer exist.
    private(set) var retired = (reconnects: 0, overruns: 0)

    init(of bridge: RedisBridge) {
        self.bridge = bridge
        loop = bridge.loop
    }

    /// Gives each server its slots once it can be reached; until then the last owner may still deliver.
    func applyMap() {
        var moved: [SubscriptionLedger.Moved] = []
        var given = SlotSet()
        for (server, slots) in map where shardOfServer[server]?.isReady == true { given = given.union(slots) }
        for (server, shard) in shardOfServer {
            let own = shard.isReady ? map[server] ?? SlotSet() : SlotSet()
            moved += shard.setSlots(shard.slots.subtracting(given).union(own))
        }
        moved += unassigned.setSlots(unassigned.slots.subtracting(given))
        hand(over: moved)
        closeShards()
        bridge.reportChange()
    }

    /// Follows a redirection of a server that no longer has a slot, and asks for the rest of the map.
    func follow(_ redirection: ClusterRedirection, from shard: RedisShard) {
        guard case .tcp(let host, _) = redirection.server, !host.isEmpty else { return }
        // Servers that do not agree yet redirect back and forth.
        let now = loop.nowMilliseconds
        guard now >= redirectedAt[redirection.slot, default: 0] + ClusterShards.redirectionMilliseconds else { return }
        redirectedAt[redirection.slot] = now
        if shardOfServer[redirection.server] == nil { openShard(redirection.server) }
        guard let target = shardOfServer[redirection.server], target !== shard else { return }
        let slot = SlotSet().inserting(redirection.slot)
        var moved: [SubscriptionLedger.Moved] = []
        for other in bridge.shards where other !== target { moved += other.setSlots(other.slots.subtracting(slot)) }
        _ = target.setSlots(target.slots.union(slot))
        hand(over: moved)
    }

    /// For so long a slot that was redirected is not redirected again.
    private static let redirectionMilliseconds: UInt64 = 200

    /// Holds the channels of all slots whose server is unknown.
    private var unassigned: RedisShard { bridge.shards[0] }

    private func openShard(_ server: RedisServer) {
        do throws(SystemError) {
            let shard = try bridge.shard([server], slots: SlotSet())
            shardOfServer[server] = shard
            bridge.shards.append(shard)
            shard.start()
        } catch {
            // Out of memory: the slots stay unassigned until the map is asked for again.
        }
    }

    private func closeShards() {
        for (server, shard) in shardOfServer where map[server] == nil && shard.slots.isEmpty {
            let status = shard.status
            retired.reconnects += status.reconnects
            retired.overruns += status.overruns
            shardOfServer[server] = nil
            bridge.shards.removeAll { $0 === shard }
            shard.stop()
        }
    }

    private func hand(over moved: [SubscriptionLedger.Moved]) {
        guard !moved.isEmpty else { return }
        let now = loop.nowMilliseconds
        for channel in moved {
            for shard in bridge.shards(of: channel.channel) { shard.ledger.adopt(channel, at: now) }
            guard bridge.isConfirmed(channel.channel), let shard = bridge.shards(of: channel.channel).first
            else { continue }
            // The channel is already confirmed there, because an earlier unsubscribe was not sent yet.
            bridge.shard(
                shard,
                confirmed: .init(
                    channel: channel.channel, isSettled: channel.isAwaited,
                    gapMilliseconds: channel.gapSince.map { now - $0 }))
        }
        bridge.notify { $0.brokerLostSubscriptions() }
    }
}

extension ClusterShards: ClusterWatchOwner {
    func clusterHas(_ slots: [RedisServer: SlotSet]) {
        map = slots
        for server in slots.keys where shardOfServer[server] == nil { openShard(server) }
        applyMap()
    }

    func clusterProblemChanged() {
        bridge.reportChange()
    }
}

@available(*, unavailable)
extension ClusterShards: Sendable {}

extension RedisShard {
    /// The slots that the server is known to have.
    var slots: SlotSet { ledger.names.slots ?? SlotSet() }

    /// Takes over or gives up slots.
    ///
    /// - Returns: the channels with a name in a slot that was given up or taken over.
    func setSlots(_ next: SlotSet) -> [SubscriptionLedger.Moved] {
        guard next != slots else { return [] }
        let names = ChannelNames(map: ledger.names.map, slots: next)
        let now = loop.nowMilliseconds
        var moved: [SubscriptionLedger.Moved] = []
        for channel in ledger.channels
        where names.redisChannels(for: channel) != ledger.names.redisChannels(for: channel) {
            if let channel = ledger.release(channel, at: now) { moved.append(channel) }
        }
        ledger.names = names
        if !next.isEmpty, !next.contains(slotOf: probe.channel) { renewProbe() }
        followNodes()
        return moved
    }
}
