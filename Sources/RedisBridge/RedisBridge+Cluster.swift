internal import Broker
internal import Bytes
internal import WSLoop

// Slots that move to another server take their channels along.
extension RedisBridge: ClusterWatchOwner {
    func clusterHas(_ slots: [RedisServer: SlotSet]) {
        clusterMap = slots
        for server in slots.keys where shardOfServer[server] == nil { openShard(server) }
        applyMap()
    }

    /// Gives each server its slots once it can be reached; until then the last owner may still deliver.
    func applyMap() {
        var moved: [SubscriptionLedger.Moved] = []
        var given = SlotSet()
        for (server, slots) in clusterMap where shardOfServer[server]?.isReady == true { given = given.union(slots) }
        for (server, shard) in shardOfServer {
            let own = shard.isReady ? clusterMap[server] ?? SlotSet() : SlotSet()
            moved += shard.setSlots(shard.slots.subtracting(given).union(own))
        }
        moved += unassigned.setSlots(unassigned.slots.subtracting(given))
        hand(over: moved)
        closeShards()
        reportChange()
    }

    func clusterProblemChanged() {
        reportChange()
    }

    /// Follows a redirection of a server that no longer has a slot, and asks for the rest of the map.
    func follow(_ redirection: ClusterRedirection, from shard: RedisShard) {
        watch?.ask()
        guard case .tcp(let host, _) = redirection.server, !host.isEmpty, endpoint.isSharded else { return }
        // Servers that do not agree yet redirect back and forth.
        let now = loop.nowMilliseconds
        guard now >= redirectedAt[redirection.slot, default: 0] + RedisBridge.redirectionMilliseconds else { return }
        redirectedAt[redirection.slot] = now
        if shardOfServer[redirection.server] == nil { openShard(redirection.server) }
        guard let target = shardOfServer[redirection.server], target !== shard else { return }
        let slot = SlotSet().inserting(redirection.slot)
        var moved: [SubscriptionLedger.Moved] = []
        for other in shards where other !== target { moved += other.setSlots(other.slots.subtracting(slot)) }
        _ = target.setSlots(target.slots.union(slot))
        hand(over: moved)
    }

    private static let redirectionMilliseconds: UInt64 = 200

    /// Retries a message after a moment: servers that disagree about a slot will soon agree.
    func wait(_ message: PublishQueue.Waiting) {
        redirected.wait(message)
        redirectTimer?.start(afterMilliseconds: RedisBridge.redirectionMilliseconds / 2)
    }

    func publishRedirected() {
        for message in redirected.takeWaiting() {
            publish(
                message.payload, toRedis: String(decoding: message.channel, as: UTF8.self), until: message.deadline,
                message.completion)
        }
    }

    /// Holds the channels of all slots whose server is unknown.
    private var unassigned: RedisShard { shards[0] }

    private func openShard(_ server: RedisServer) {
        do throws(SystemError) {
            let shard = try shard([server], slots: SlotSet())
            shardOfServer[server] = shard
            shards.append(shard)
            shard.start()
        } catch {
            // Out of memory: the slots stay unassigned until the map is asked for again.
        }
    }

    private func closeShards() {
        for (server, shard) in shardOfServer where clusterMap[server] == nil && shard.slots.isEmpty {
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
        let now = loop.nowMilliseconds
        for channel in moved {
            for shard in shards(of: channel.channel) { shard.ledger.adopt(channel, at: now) }
            guard isConfirmed(channel.channel) else { continue }
            // The channel is already confirmed there, because an earlier unsubscribe was not sent yet.
            if let since = channel.gapSince {
                notify { $0.brokerLeftGap(in: channel.channel, milliseconds: now - since) }
            }
            if channel.isAwaited { notify { $0.brokerSettled(channel.channel, isConfirmed: true) } }
        }
        notify { $0.brokerLostSubscriptions() }
    }
}

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
