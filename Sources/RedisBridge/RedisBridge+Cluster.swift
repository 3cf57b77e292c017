internal import Bytes
internal import WSLoop

// Slots that change hands: their channels go with them.
extension RedisBridge: ClusterWatchOwner {
    func clusterHas(_ slots: [RedisServer: SlotSet]) {
        for server in slots.keys where shardOfServer[server] == nil { openShard(server) }
        var moved: [SubscriptionLedger.Moved] = []
        for (server, shard) in shardOfServer { moved += shard.setSlots(slots[server] ?? SlotSet()) }
        let owned = shardOfServer.values.compactMap(\.ledger.names.slots).reduce(SlotSet()) { $0.union($1) }
        moved += nobody.setSlots(SlotSet.all.subtracting(owned))
        hand(over: moved)
        closeShards { slots[$0] == nil }
        reportChange()
    }

    func clusterProblemChanged() {
        reportChange()
    }

    /// Does as a server says that no longer has a slot; the rest of the map is asked for.
    func follow(_ redirection: ClusterRedirection, from shard: RedisShard) {
        watch?.ask()
        guard case .tcp(let host, _) = redirection.server, !host.isEmpty, pubSubIsSharded else { return }
        if shardOfServer[redirection.server] == nil { openShard(redirection.server) }
        guard let target = shardOfServer[redirection.server], target !== shard else { return }
        var moved: [SubscriptionLedger.Moved] = []
        for other in shards where other !== target && other.has(redirection.slot) {
            moved += other.setSlots(other.slots.removing(redirection.slot))
        }
        _ = target.setSlots(target.slots.inserting(redirection.slot))
        hand(over: moved)
    }

    /// Has the channels of all slots that no server is known to have.
    private var nobody: RedisShard { shards[0] }

    private var pubSubIsSharded: Bool { shards[0].pubSub == .sharded }

    private func openShard(_ server: RedisServer) {
        do throws(SystemError) {
            let shard = try shard([server], slots: SlotSet())
            shardOfServer[server] = shard
            shards.append(shard)
            shard.start()
        } catch {
            // Out of memory: its slots stay with nobody until the map is asked for again.
        }
    }

    private func closeShards(where isGone: (RedisServer) -> Bool) {
        for (server, shard) in shardOfServer where isGone(server) {
            let status = shard.status
            retired.reconnects += status.reconnects
            retired.overruns += status.overruns
            shardOfServer[server] = nil
            shards.removeAll { $0 === shard }
            shard.stop()
        }
    }

    private func hand(over moved: [SubscriptionLedger.Moved]) {
        guard !moved.isEmpty else { return }
        for channel in moved {
            for shard in shards(of: channel.channel) { shard.ledger.adopt(channel, at: loop.nowMilliseconds) }
        }
        notify { $0.bridgeLostSubscriptions() }
    }
}

extension RedisShard {
    /// The slots that are known to be its own.
    var slots: SlotSet { ledger.names.slots ?? SlotSet() }

    func has(_ slot: Int) -> Bool { slots.contains(slot) }

    /// Takes over or gives up slots.
    ///
    /// - Returns: the channels that had a name in a slot that it has no more, or that it gets one of.
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
        return moved
    }

    /// Goes to the server that Sentinels name; nothing happens if that is where it is.
    func move(toMaster master: RedisServer) {
        guard currentMaster != master else { return }
        currentMaster = master
        move(to: [master], reason: "the master is \(master) now")
    }
}
