internal import Broker
internal import Bytes
internal import WSLoop

/// Takes what a shard brings; called on its loop, and never from inside `subscribe()`.
protocol RedisShardOwner: AnyObject {
    /// A message arrived on a channel; the payload is lent for the call.
    func shard(_ shard: RedisShard, received payload: RawSpan, on channel: String)
    /// A pending `subscribe()` may be confirmed to the client now.
    func shard(_ shard: RedisShard, settled channel: String)
    /// A channel's subscribers may have missed messages for that long; from now on they do not.
    func shard(_ shard: RedisShard, exposed channel: String, forMilliseconds milliseconds: UInt64)
    /// The subscriber link went down: no channel counts as confirmed any more.
    func shardLostSubscriptions(_ shard: RedisShard)
    /// Redis says that a slot belongs to another server.
    func shard(_ shard: RedisShard, redirected redirection: ClusterRedirection)
    /// The status may have changed.
    func shardChanged(_ shard: RedisShard)
    /// Both links are ready.
    func shardReady(_ shard: RedisShard)
    /// A link was lost, or an attempt failed.
    func shardFailed(_ shard: RedisShard)
    /// Messages of a Redis channel that is no channel here arrived.
    func shard(_ shard: RedisShard, ignored name: RawSpan)
    /// A message was longer than a payload may be.
    func shardLeftOutMessage(_ shard: RedisShard)
}

/// One server of Redis as the bridge uses it, with all channels or those of some slots.
///
/// Two links: one is subscribed to every wanted channel, the other publishes. Both are made anew for ever, and a message
/// that the shard sends to itself watches over them. Everything belongs to the loop's thread.
final class RedisShard {
    let loop: Loop
    let timing: RedisTiming
    let pubSub: ClusterPubSub
    let handles: ShardHandles
    let subscriber: RedisLink
    let publisher: RedisLink
    weak var owner: (any RedisShardOwner)?
    var ledger: SubscriptionLedger
    var outstanding = OutstandingCommands()
    var queue = PublishQueue()
    var probe: RoundTripProbe
    var isProbeSubscribed = false
    var unconfirmedPatterns = 0
    var health: ShardHealth
    /// How often Redis has cut the link since this node did not keep up.
    var overruns = 0
    var overrunWatch = OverrunWatch()
    /// When something was last heard on the subscriber link, which may be gone since.
    var lastHeardMilliseconds: UInt64
    /// When a PING on the subscriber link was last answered.
    var pingAnsweredMilliseconds: UInt64 = 0
    /// When the server that is published to was last known to be a master.
    var masterSeenMilliseconds: UInt64
    /// Since when the server may have been a replica; nil if it is not known to be one.
    ///
    /// While a master is looked for, its messages still come through the replica.
    var replicaSince: UInt64?
    /// Since when nothing can be published; nil while it can.
    var publisherDownSince: UInt64?
    /// Where Sentinels say that the master is.
    var currentMaster: RedisServer?
    /// When channels that were refused for a moment are asked for again.
    var retryAt: UInt64?
    /// What the deadline timer is set to; `.max` while it is stopped.
    private var armedDeadline = UInt64.max
    private(set) var isStopped = false

    /// Makes a shard that does nothing yet; it must be ended with `stop()`.
    ///
    /// - Parameters:
    ///   - servers: where the server is; empty if that is not known yet.
    ///   - publisherLogin: how the link that publishes introduces itself.
    init(
        on loop: Loop, servers: [RedisServer], login: RedisLogin, publisherLogin: RedisLogin, tls: TLSContext?,
        names: ChannelNames, timing: RedisTiming, maxPayloadBytes: Int, owner: any RedisShardOwner
    ) throws(SystemError) {
        handles = try ShardHandles(on: loop)
        self.loop = loop
        self.timing = timing
        self.owner = owner
        pubSub = names.slots == nil ? .plain : .sharded
        subscriber = RedisLink(
            on: loop, servers: servers, login: login, tls: tls, timing: timing, timer: handles.subscriberTimer,
            maxStringBytes: max(maxPayloadBytes, RedisShard.maxNameBytes))
        publisher = RedisLink(
            on: loop, servers: servers, login: publisherLogin, tls: tls, timing: timing, timer: handles.publisherTimer)
        ledger = SubscriptionLedger(
            names: names, confirmMilliseconds: timing.confirmMilliseconds,
            lingerMilliseconds: timing.lingerMilliseconds)
        var random = SystemRandomNumberGenerator()
        probe = RoundTripProbe(in: names.slots, using: &random)
        health = ShardHealth(sinceMilliseconds: loop.nowMilliseconds)
        publisherDownSince = loop.nowMilliseconds
        lastHeardMilliseconds = loop.nowMilliseconds
        masterSeenMilliseconds = loop.nowMilliseconds
    }

    /// A name is a string like a payload, and arrives whole even where payloads must be small.
    private static let maxNameBytes = 65_536

    /// Begins to connect with the next turn of the loop.
    func start() {
        guard !isStopped else { return }
        handles.deadlineTimer.onEvent { [weak self] in self?.deadlinePassed() }
        handles.probeTimer.onEvent { [weak self] in self?.probeTimePassed() }
        restartProbeTimer()
        subscriber.start(owner: self)
        publisher.start(owner: self)
    }

    /// Goes to another server from now on.
    func move(to servers: [RedisServer], reason: String) {
        subscriber.move(to: servers, reason: reason)
        publisher.move(to: servers, reason: reason)
    }

    /// How it stands with Redis.
    var status: BrokerStatus {
        var status = health.status(lateChannels: ledger.lateCount)
        status.subscribedChannels = ledger.confirmedCount
        status.queuedCommands = queue.count
        status.overruns = overruns
        return status
    }

    /// Ends links, lookups and timers; pending publishes fail, and the owner hears no more.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        subscriber.stop()
        publisher.stop()
        handles.close()
        for answered in queue.takeSent() { answered(nil) }
        for message in queue.takeWaiting() { message.completion(.failure(.notConnected)) }
    }

    /// Runs `body` with the owner, unless the shard was stopped: an owner may do that in any of its methods.
    func notify(_ body: (any RedisShardOwner) -> Void) {
        guard !isStopped, let owner else { return }
        body(owner)
    }

    /// To be called at the end of every turn: what was wanted during the turn goes out together.
    func endTurn() {
        guard !isStopped else { return }
        for command in ledger.takeCommands() { sendSubscription(command) }
        let deadline = min(min(ledger.nextDeadline() ?? .max, queue.nextDeadline ?? .max), retryAt ?? .max)
        guard deadline != armedDeadline else { return }
        armedDeadline = deadline
        guard deadline != .max else { return handles.deadlineTimer.stop() }
        let now = loop.nowMilliseconds
        handles.deadlineTimer.start(afterMilliseconds: deadline > now ? deadline - now : 0)
    }

    private func deadlinePassed() {
        armedDeadline = .max
        let now = loop.nowMilliseconds
        for message in queue.takeExpired(at: now) { message.completion(.failure(.notConnected)) }
        for answered in queue.takeUnanswered(at: now) { answered(nil) }
        if let due = retryAt, due <= now {
            retryAt = nil
            ledger.retryRefused()
        }
        settle(ledger.advance(to: now))
        notify { $0.shardChanged(self) }
    }

    func settle(_ settled: [String]) {
        for channel in settled { notify { $0.shard(self, settled: channel) } }
    }
}

extension RedisShard: RedisLinkOwner {
    func linkReady(_ link: RedisLink) {
        let now = loop.nowMilliseconds
        if link === subscriber {
            if subscriber.needsMaster { replicaSince = nil }
            subscribeOwnChannels()
            ledger.linkReady(at: now)
        } else {
            publisherDownSince = nil
            masterFound(at: now)
            for message in queue.takeWaiting() { send(message.payload, to: message.channel, message.completion) }
        }
        guard subscriber.isReady, publisher.isReady else { return }
        restartProbeTimer()
        if isProbeSubscribed { sendProbe() }
        notify { $0.shardReady(self) }
    }

    func link(_ link: RedisLink, received reply: RedisReply) {
        if link === subscriber {
            received(reply)
        } else {
            queue.popSent()?(reply)
        }
    }

    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure) {
        let now = loop.nowMilliseconds
        let isSameRedis = health.isProven
        health.failed(failure, at: now)
        probe.forget()
        if link === subscriber {
            isProbeSubscribed = false
            outstanding.removeAll()
            ledger.linkLost(heardAt: min(lastHeardMilliseconds, replicaSince ?? .max))
            retryAt = nil
            notify { $0.shardLostSubscriptions(self) }
        } else {
            publisherDownSince = now
            overrunWatch = OverrunWatch()
            for answered in queue.takeSent() { answered(nil) }
        }
        if link === subscriber, isSameRedis {
            explain(failure) { [weak self] in self?.reportFailure() }
        } else {
            reportFailure()
        }
    }

    private func reportFailure() {
        notify { $0.shardChanged(self) }
        notify { $0.shardFailed(self) }
    }

    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure) {
        health.failed(failure, at: loop.nowMilliseconds)
        if link === publisher, failure.kind == .replica, replicaSince == nil { replicaSince = loop.nowMilliseconds }
        reportFailure()
        if link === subscriber { settle(ledger.redisAway(at: loop.nowMilliseconds)) }
    }
}

// Publishing.
extension RedisShard {
    /// Publishes to a Redis channel; while Redis is away the message waits, for a while from its loss on.
    func publish(_ payload: [UInt8], to channel: [UInt8], completion: @escaping PublishQueue.Completion) {
        guard !isStopped else { return completion(.failure(.notConnected)) }
        guard queue.hasRoom(forBytes: payload.count) else { return completion(.failure(.overloaded)) }
        guard let since = publisherDownSince else { return send(payload, to: channel, completion) }
        let deadline = since + timing.publishMilliseconds
        guard deadline > loop.nowMilliseconds else { return completion(.failure(.notConnected)) }
        queue.wait(.init(channel: channel, payload: payload, deadline: deadline, completion: completion))
    }

    /// Asks something on the link that publishes; the answer is nil if the link is lost before it.
    func ask(_ question: RedisCommand, answered: @escaping PublishQueue.Answered) {
        queue.sent(answered: answered)
        publisher.send(question)
    }

    func send(_ payload: [UInt8], to channel: [UInt8], _ completion: @escaping PublishQueue.Completion) {
        let deadline = loop.nowMilliseconds + timing.answerMilliseconds
        queue.sent(byteCount: payload.count, until: deadline) { completion(RedisPublishFailure.outcome($0)) }
        publisher.send(RedisCommand(pubSub == .sharded ? "SPUBLISH" : "PUBLISH", [channel, payload]))
    }
}

@available(*, unavailable)
extension RedisShard: Sendable {}
