internal import Bytes
internal import WSLoop

// Subscriptions and their messages.
extension RedisShard {
    /// Subscribes to a channel.
    ///
    /// - Returns: true if Redis has already confirmed it; false if it becomes ready later, once, within a second.
    func subscribe(_ channel: String) -> Bool {
        ledger.subscribe(channel, at: loop.nowMilliseconds)
    }

    /// Unsubscribes from a channel after a while, unless it is subscribed again by then.
    func unsubscribe(_ channel: String) {
        ledger.unsubscribe(channel, at: loop.nowMilliseconds)
    }

    /// Subscribes to the probe's channel, the nodes' and the patterns, first on every new subscriber link.
    func subscribeOwnChannels() {
        subscriber.send(SubscriptionCommand(.subscribe, [probe.channel]))
        followNodes()
        subscriber.subscribe(toPatterns: ledger.names.slots == nil ? ledger.names.map.redisPatterns : [])
    }

    /// Subscribes to the nodes' channel, here and on every new link, while the server has it.
    func joinNodes() {
        nodes = NodeSubscription(ledger.names.map.nodeChannel, subscriber)
        followNodes()
    }

    func followNodes() { nodes?.follow(ledger.names) }

    /// Acts on what the subscriber link has received.
    func act(on event: RedisSubscriber.Event) {
        switch event {
        case .message(let payload, let name):
            guard !payload.isNil else { return notify { $0.shardLeftOutMessage(self) } }
            payload.withBytes { payload in name.withBytes { receivedMessage(payload, on: $0) } }
        case .patternMessage(let payload, let name, let pattern):
            guard !payload.isNil else { return notify { $0.shardLeftOutMessage(self) } }
            payload.withBytes { payload in
                name.withBytes { name in pattern.withBytes { receivedMessage(payload, on: name, by: $0) } }
            }
        case .subscribed(let name): name.withBytes { confirmed($0) }
        case .subscribedWildcard(let pattern):
            if let wildcard = wildcard(of: pattern) { confirmed(wildcard) }
        case .left(let name): if let name = name.text { ledger.ended(redisChannel: name) }
        case .leftWildcard(let pattern): if let wildcard = wildcard(of: pattern) { ledger.ended(wildcard: wildcard) }
        case .subscribedPatterns:
            for confirmation in ledger.patternsConfirmed(at: loop.nowMilliseconds) { tell(confirmation) }
            notify { $0.shardChanged(self) }
        case .unsubscribed(let name): name.withBytes { unsubscribed($0) }
        case .refused(let name, let text): refused(name, text)
        case .refusedWildcard(let pattern, let text):
            if let wildcard = ledger.names.map.wildcard(forRedisPattern: pattern) { ledger.refuse(wildcard) }
            health.refusal = text
        case .refusedPatterns(let text): health.refusal = text
        }
    }

    private func wildcard(of pattern: RedisReply) -> String? {
        pattern.text.flatMap(ledger.names.map.wildcard(forRedisPattern:))
    }

    private func receivedMessage(_ payload: RawSpan, on name: RawSpan) {
        if name.hasSameBytes(as: unsafe probe.channel.utf8.span.bytes) {
            probeReturned(payload)
        } else if nodes?.has(name) == true {
            notify { $0.shard(self, heard: payload) }
        } else if let channel = ledger.names.map.channel(forRedis: name) {
            guard !ledger.comesByWildcard(channel, named: name) else { return }
            // A channel that moved to another server may still deliver from here for a moment, and its messages would
            // arrive twice.
            guard subscriber.pubSub == .plain || ledger.keeps(channel) else { return }
            notify { $0.shard(self, received: payload, on: channel, named: name) }
        } else {
            notify { $0.shard(self, ignored: name) }
        }
    }

    private func receivedMessage(_ payload: RawSpan, on name: RawSpan, by pattern: RawSpan) {
        // The nodes' channel and the probe's also come by their own subscriptions.
        guard nodes?.has(name) != true, !name.hasSameBytes(as: unsafe probe.channel.utf8.span.bytes) else { return }
        switch ledger.channel(forRedis: name, byPattern: pattern) {
        case .channel(let channel): notify { $0.shard(self, received: payload, on: channel, named: name) }
        case .noChannel: notify { $0.shard(self, ignored: name) }
        case .comesOtherwise: break
        }
    }

    private func confirmed(_ name: RawSpan) {
        if name.hasSameBytes(as: unsafe probe.channel.utf8.span.bytes) {
            probe.isSubscribed = true
            if publisher.link.isReady { sendProbe() }
        } else if nodes?.has(name) == true {
            if nodes?.confirmed() == true { notify { $0.shardJoinedNodes(self) } }
        } else if let channel = ledger.names.map.channel(forRedis: name) {
            confirmed(channel)
        }
    }

    private func confirmed(_ channel: String) {
        if let confirmation = ledger.confirmOne(of: channel, at: loop.nowMilliseconds) { tell(confirmation) }
        notify { $0.shardChanged(self) }
    }

    private func tell(_ confirmation: SubscriptionLedger.Confirmation) {
        notify { $0.shard(self, confirmed: confirmation) }
    }

    /// Redis itself ends a sharded subscription when its slot moves to another server.
    private func unsubscribed(_ name: RawSpan) {
        if nodes?.has(name) == true {
            nodes?.lost()
            return followNodes()  // Redis' answer says where the channel is
        }
        guard let channel = ledger.names.map.channel(forRedis: name) else { return }
        ledger.revoke(channel, at: loop.nowMilliseconds)
    }

    private func refused(_ name: String, _ text: String) {
        guard ByteName(name) != ByteName(probe.channel) else { return probeRefused(text) }
        let redirection = ClusterRedirection(error: text)
        if unsafe nodes?.has(name.utf8.span.bytes) == true {
            if redirection == nil, nodes?.refused() == true { notify { $0.shard(self, refusedNodes: text) } }
        } else if let channel = unsafe ledger.names.map.channel(forRedis: name.utf8.span.bytes) {
            ledger.refuse(channel)
            health.refusal = text
            if redirection != nil || RedisShard.isPassing(text) {
                retryAt = loop.nowMilliseconds + RedisShard.retryMilliseconds
            }
        }
        if let redirection { notify { $0.shard(self, redirected: redirection) } }
    }

    /// Whether an error of a cluster will soon pass; other refusals are retried with the next probe.
    private static func isPassing(_ text: String) -> Bool {
        ["CLUSTERDOWN", "TRYAGAIN", "LOADING"].contains { text.hasPrefix($0) }
    }

    private static let retryMilliseconds: UInt64 = 250
}
