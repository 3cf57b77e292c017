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

    /// Subscribes to the probe's channel and the patterns, first on every new subscriber link.
    func subscribeOwnChannels() {
        sendSubscription(SubscriptionCommand(.subscribe, [probe.channel]))
        let patterns = ledger.names.slots == nil ? ledger.names.map.redisPatterns : []
        unconfirmedPatterns = patterns.count
        if !patterns.isEmpty { sendSubscription(SubscriptionCommand(.subscribePatterns, patterns)) }
    }

    func sendSubscription(_ command: SubscriptionCommand) {
        outstanding.append(command)
        subscriber.send(command.command(pubSub))
    }

    /// Handles messages that the subscriber link pushes, and replies to commands on it.
    func received(_ reply: RedisReply) {
        lastHeardMilliseconds = loop.nowMilliseconds
        if let text = reply.errorText { return refused(text) }
        guard let kind = reply.element(0), let name = reply.element(1) else {
            // Without a subscription a PING is answered as on any other link.
            return pingAnswered()
        }
        switch kind.withBytes({ PushKind($0) }) {
        case .message:
            guard let payload = reply.element(2) else { return }
            guard !payload.isNil else { return notify { $0.shardLeftOutMessage(self) } }
            payload.withBytes { payload in name.withBytes { receivedMessage(payload, on: $0) } }
        case .patternMessage:
            guard let channel = reply.element(2), let payload = reply.element(3) else { return }
            guard !payload.isNil else { return notify { $0.shardLeftOutMessage(self) } }
            payload.withBytes { payload in
                channel.withBytes { channel in name.withBytes { receivedMessage(payload, on: channel, by: $0) } }
            }
        case .subscribed: name.withBytes { confirmed($0) }
        case .unsubscribed: name.withBytes { unsubscribed($0) }
        case .patternSubscribed: name.withBytes { patternConfirmed($0) }
        case .pong: pingAnswered()
        case .other: break
        }
    }

    private func pingAnswered() {
        _ = outstanding.answered(.ping, RawSpan())
        pingAnsweredMilliseconds = loop.nowMilliseconds
    }

    private func receivedMessage(_ payload: RawSpan, on name: RawSpan) {
        if name.hasSameBytes(as: unsafe probe.channel.utf8.span.bytes) {
            probeReturned(payload)
        } else if let channel = ledger.names.map.channel(forRedis: name) {
            // A channel that moved to another server may still deliver from here for a moment, and its messages would
            // arrive twice.
            guard pubSub == .plain || ledger.keeps(channel) else { return }
            notify { $0.shard(self, received: payload, on: channel) }
        } else {
            notify { $0.shard(self, ignored: name) }
        }
    }

    private func receivedMessage(_ payload: RawSpan, on name: RawSpan, by pattern: RawSpan) {
        switch ledger.names.map.channel(forRedis: name, byPattern: pattern) {
        case .channel(let channel): notify { $0.shard(self, received: payload, on: channel) }
        case .noChannel: notify { $0.shard(self, ignored: name) }
        case .comesOtherwise: break
        }
    }

    private func confirmed(_ name: RawSpan) {
        _ = outstanding.answered(.subscribe, name)
        if name.hasSameBytes(as: unsafe probe.channel.utf8.span.bytes) {
            isProbeSubscribed = true
            if publisher.isReady { sendProbe() }
        } else if let channel = ledger.names.map.channel(forRedis: name) {
            if let confirmation = ledger.confirmOne(of: channel, at: loop.nowMilliseconds) { tell(confirmation) }
            notify { $0.shardChanged(self) }
        }
    }

    private func patternConfirmed(_ name: RawSpan) {
        guard outstanding.answered(.subscribePatterns, name), unconfirmedPatterns > 0 else { return }
        unconfirmedPatterns -= 1
        guard unconfirmedPatterns == 0 else { return }
        for confirmation in ledger.patternsConfirmed(at: loop.nowMilliseconds) { tell(confirmation) }
        notify { $0.shardChanged(self) }
    }

    /// Subscribers are told of possibly missed messages before they get new ones.
    private func tell(_ confirmation: SubscriptionLedger.Confirmation) {
        if let milliseconds = confirmation.gapMilliseconds {
            notify { $0.shard(self, leftGapIn: confirmation.channel, forMilliseconds: milliseconds) }
        }
        if confirmation.isSettled { notify { $0.shard(self, settled: confirmation.channel) } }
    }

    /// Redis itself ends a sharded subscription when its slot moves to another server.
    private func unsubscribed(_ name: RawSpan) {
        guard !outstanding.answered(.unsubscribe, name), let channel = ledger.names.map.channel(forRedis: name) else {
            return
        }
        ledger.revoke(channel, at: loop.nowMilliseconds)
    }

    /// Redis answered a command with an error.
    private func refused(_ text: String) {
        guard let command = outstanding.refused() else { return }
        switch command.kind {
        case .unsubscribe: break
        case .ping: pingAnsweredMilliseconds = loop.nowMilliseconds
        case .subscribePatterns: health.refusal = text
        case .subscribe:
            // One bad name may have failed the whole command: retry each name alone.
            if command.names.count > 1 {
                for name in command.names { sendSubscription(SubscriptionCommand(.subscribe, [name])) }
            } else if let name = command.names.first {
                refused(name, text)
            }
        }
    }

    private func refused(_ name: String, _ text: String) {
        let redirection = ClusterRedirection(error: text)
        if ByteName(name) == ByteName(probe.channel) {
            probeRefused(text)
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

/// The kind of a push on a subscriber link, from its first word.
private enum PushKind {
    case message, patternMessage, subscribed, unsubscribed, patternSubscribed, pong, other

    init(_ word: RawSpan) {
        guard word.byteCount > 2 else {
            self = .other
            return
        }
        // message, smessage, pmessage, subscribe, ssubscribe, psubscribe, unsubscribe, sunsubscribe, punsubscribe, pong
        switch (word.byte(at: 0), word.byte(at: 1), word.byte(at: 2)) {
        case (UInt8(ascii: "m"), _, _), (UInt8(ascii: "s"), UInt8(ascii: "m"), _): self = .message
        case (UInt8(ascii: "p"), UInt8(ascii: "m"), _): self = .patternMessage
        case (UInt8(ascii: "s"), UInt8(ascii: "u"), UInt8(ascii: "n")), (UInt8(ascii: "u"), _, _): self = .unsubscribed
        case (UInt8(ascii: "s"), _, _): self = .subscribed
        case (UInt8(ascii: "p"), UInt8(ascii: "s"), _): self = .patternSubscribed
        case (UInt8(ascii: "p"), UInt8(ascii: "o"), _): self = .pong
        default: self = .other
        }
    }
}
