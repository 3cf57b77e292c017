internal import Broker
internal import Bytes
internal import WSLoop

/// Receives a shard's events; called on its loop, and never from inside `subscribe()`.
protocol RedisShardOwner: AnyObject {
    /// A message arrived on a channel; the payload is lent for the call.
    func shard(_ shard: RedisShard, received payload: RawSpan, on channel: String)
    /// A pending `subscribe()` may now be confirmed to the client.
    func shard(_ shard: RedisShard, settled channel: String)
    /// A channel's subscribers may have missed messages for this long, but will miss no more.
    func shard(_ shard: RedisShard, leftGapIn channel: String, forMilliseconds milliseconds: UInt64)
    /// The subscriber link was lost, so no channel counts as confirmed any more.
    func shardLostSubscriptions(_ shard: RedisShard)
    /// Redis says that a slot belongs to another server.
    func shard(_ shard: RedisShard, redirected redirection: ClusterRedirection)
    /// The status may have changed.
    func shardChanged(_ shard: RedisShard)
    /// Both links are ready.
    func shardReady(_ shard: RedisShard)
    /// A link was lost, or an attempt failed.
    func shardFailed(_ shard: RedisShard)
    /// Messages arrived on a Redis channel that does not map to a channel here.
    func shard(_ shard: RedisShard, ignored name: RawSpan)
    /// A message exceeded the largest payload.
    func shardLeftOutMessage(_ shard: RedisShard)
}

/// The bridge's view of one Redis server, with all channels or those of some slots.
///
/// It has two links: one is subscribed to every channel, the other publishes. Both reconnect for ever, and a message
/// that the shard sends to itself monitors them. Confined to the loop's thread.
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
    /// How often Redis has cut the link because this node did not keep up.
    var overruns = 0
    var overrunWatch = OverrunWatch()
    /// When something was last received on the subscriber link, even if that is gone by now.
    var lastHeardMilliseconds: UInt64
    /// When a PING on the subscriber link was last answered.
    var pingAnsweredMilliseconds: UInt64 = 0
    /// When the server that we publish to was last known to be a master.
    var masterSeenMilliseconds: UInt64
    /// Since when the server may have been a replica; nil if it is not known to be one.
    ///
    /// While a master is searched for, messages still arrive through the replica.
    var replicaSince: UInt64?
    /// Since when publishing is impossible; nil while it is possible.
    var publisherDownSince: UInt64?
    /// The master's address according to the Sentinels.
    var currentMaster: RedisServer?
    /// When to retry channels that were refused temporarily.
    var retryAt: UInt64?
    /// What the deadline timer is set to; `.max` while it is stopped.
    private var armedDeadline = UInt64.max
    private(set) var isStopped = false

    /// Makes a shard that is not started; end it with `stop()`.
    ///
    /// - Parameters:
    /// - servers: the server's addresses; empty if unknown.
    /// - publisherLogin: the login of the link that publishes.
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

    /// A name is a string like a payload, but must arrive completely even if payloads must be small.
    private static let maxNameBytes = 65_536

    /// Starts to connect in the next turn of the loop.
    func start() {
        guard !isStopped else { return }
        handles.deadlineTimer.onEvent { [weak self] in self?.deadlinePassed() }
        handles.probeTimer.onEvent { [weak self] in self?.probeTimePassed() }
        restartProbeTimer()
        subscriber.start(owner: self)
        publisher.start(owner: self)
    }

    /// Moves to another server.
    func move(to servers: [RedisServer], reason: String) {
        subscriber.move(to: servers, reason: reason)
        publisher.move(to: servers, reason: reason)
    }

    /// The status of the connection to Redis.
    var status: BrokerStatus {
        var status = health.status(lateChannels: ledger.lateCount)
        status.subscribedChannels = ledger.confirmedCount
        status.queuedCommands = queue.count
        status.overruns = overruns
        return status
    }

    /// Ends links, lookups and timers; pending publishes fail, and the owner is not called any more.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        subscriber.stop()
        publisher.stop()
        handles.close()
        for answered in queue.takeSent() { answered(nil) }
        for message in queue.takeWaiting() { message.completion(.failure(.notConnected)) }
    }

    /// Calls `body` with the owner, unless the shard was stopped, which an owner may do in any of its methods.
    func notify(_ body: (any RedisShardOwner) -> Void) {
        guard !isStopped, let owner else { return }
        body(owner)
    }

    /// Call at the end of every turn: sends the turn's subscriptions together.
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
    /// Publishes to a Redis channel; while Redis is away, messages wait for a limited time after the loss.
    func publish(_ payload: [UInt8], to channel: [UInt8], completion: @escaping PublishQueue.Completion) {
        guard !isStopped else { return completion(.failure(.notConnected)) }
        guard queue.hasRoom(forBytes: payload.count) else { return completion(.failure(.overloaded)) }
        guard let since = publisherDownSince else { return send(payload, to: channel, completion) }
        let deadline = since + timing.publishMilliseconds
        guard deadline > loop.nowMilliseconds else { return completion(.failure(.notConnected)) }
        queue.wait(.init(channel: channel, payload: payload, deadline: deadline, completion: completion))
    }

    /// Sends a command on the publishing link; the reply is nil if the link is lost before it.
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
