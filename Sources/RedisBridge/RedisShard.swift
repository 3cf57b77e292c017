internal import Broker
internal import Bytes
internal import WSLoop

/// Receives a shard's events; called on its loop, and never from inside `subscribe()`.
protocol RedisShardOwner: AnyObject {
    /// A message arrived on a channel, by this name in Redis; payload and name are lent for the call.
    func shard(_ shard: RedisShard, received payload: RawSpan, on channel: String, named name: RawSpan)
    /// Redis has confirmed a subscription.
    func shard(_ shard: RedisShard, confirmed confirmation: SubscriptionLedger.Confirmation)
    /// A pending `subscribe()` may now be confirmed to the client, although Redis has not confirmed it.
    func shard(_ shard: RedisShard, settled channel: String)
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
    /// A node has told all nodes something; the text is lent for the call.
    func shard(_ shard: RedisShard, heard text: RawSpan)
    /// What nodes tell arrives from now on.
    func shardJoinedNodes(_ shard: RedisShard)
    /// Redis has refused the nodes' channel; not called again until it was confirmed.
    func shard(_ shard: RedisShard, refusedNodes text: String)
}

/// The bridge's view of one Redis server, with all channels or those of some slots.
///
/// It has two links: one is subscribed to every channel, the other publishes. Both reconnect for ever, and a message
/// that the shard sends to itself monitors them. Confined to the loop's thread.
final class RedisShard {
    let loop: Loop
    let timing: RedisTiming
    let handles: ShardHandles
    let subscriber: RedisSubscriber
    let publisher: RedisPublisher
    let overruns: OverrunCheck
    let master: MasterCheck
    weak var owner: (any RedisShardOwner)?
    var ledger: SubscriptionLedger
    var probe: RoundTripProbe
    var nodes: NodeSubscription?
    var health: ShardHealth
    /// The master's address according to the Sentinels.
    private(set) var currentMaster: RedisServer?
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
        let pubSub: ClusterPubSub = names.slots == nil ? .plain : .sharded
        let subscriberLink = RedisLink(
            on: loop, servers: servers, login: login, tls: tls, timing: timing, timer: handles.subscriberTimer,
            maxStringBytes: max(maxPayloadBytes + NodeSubscription.headBytes, RedisShard.maxNameBytes))
        let publisherLink = RedisLink(
            on: loop, servers: servers, login: publisherLogin, tls: tls, timing: timing, timer: handles.publisherTimer,
            maxStringBytes: max(maxPayloadBytes, RedisLink.maxReplyBytes))
        subscriber = RedisSubscriber(subscriberLink, on: loop, pubSub)
        publisher = RedisPublisher(publisherLink, on: loop, timing: timing, pubSub)
        overruns = OverrunCheck(publisher)
        master = MasterCheck(publisher, on: loop)
        ledger = SubscriptionLedger(
            names: names, confirmMilliseconds: timing.confirmMilliseconds,
            lingerMilliseconds: timing.lingerMilliseconds)
        var random = SystemRandomNumberGenerator()
        probe = RoundTripProbe(in: names.slots, using: &random)
        health = ShardHealth(sinceMilliseconds: loop.nowMilliseconds)
    }

    /// A name is a string like a payload, but must arrive completely even if payloads must be small.
    private static let maxNameBytes = 65_536

    /// Starts to connect in the next turn of the loop.
    func start() {
        guard !isStopped else { return }
        handles.deadlineTimer.onEvent { [weak self] in self?.deadlinePassed() }
        handles.probeTimer.onEvent { [weak self] in self?.probeTimePassed() }
        restartProbeTimer()
        subscriber.link.start(owner: self)
        publisher.link.start(owner: self)
    }

    /// Whether it accepts subscriptions and publishes.
    var isReady: Bool { subscriber.link.isReady && publisher.link.isReady }

    /// Moves to the server that the Sentinels name, unless it is already there.
    func move(toMaster master: RedisServer) {
        guard currentMaster != master else { return }
        currentMaster = master
        for link in [subscriber.link, publisher.link] { link.move(to: [master], reason: "the master is \(master) now") }
    }

    /// The status of the connection to Redis.
    var status: BrokerStatus {
        var status = health.status(lateChannels: ledger.lateCount)
        status.subscribedChannels = ledger.confirmedCount
        status.queuedCommands = publisher.count
        status.overruns = overruns.count
        return status
    }

    /// Publishes to a Redis channel; while Redis is away, messages wait for a limited time after the loss.
    func publish(
        _ payload: [UInt8], to channel: [UInt8], as form: PublishForm, completion: @escaping PublishQueue.Completion
    ) {
        guard !isStopped else { return completion(.failure(.notConnected)) }
        publisher.publish(payload, to: channel, as: form, completion: completion)
    }

    /// Ends links, lookups and timers; pending publishes fail, and the owner is not called any more.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        subscriber.link.stop()
        publisher.stop()
        handles.close()
    }

    /// Calls `body` with the owner, unless the shard was stopped, which an owner may do in any of its methods.
    func notify(_ body: (any RedisShardOwner) -> Void) {
        guard !isStopped, let owner else { return }
        body(owner)
    }

    /// Call at the end of every turn: sends the turn's subscriptions together.
    func endTurn() {
        guard !isStopped else { return }
        for command in ledger.takeCommands() { subscriber.send(command) }
        let deadline = min(min(ledger.nextDeadline() ?? .max, publisher.nextDeadline ?? .max), retryAt ?? .max)
        guard deadline != armedDeadline else { return }
        armedDeadline = deadline
        guard deadline != .max else { return handles.deadlineTimer.stop() }
        let now = loop.nowMilliseconds
        handles.deadlineTimer.start(afterMilliseconds: deadline > now ? deadline - now : 0)
    }

    private func deadlinePassed() {
        armedDeadline = .max
        let now = loop.nowMilliseconds
        publisher.advance(to: now)
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
        if link === subscriber.link {
            if link.needsMaster { master.leftReplica() }
            subscribeOwnChannels()
            ledger.linkReady(at: loop.nowMilliseconds)
        } else {
            if master.replicaSince != nil { subscriber.link.startOver(reason: "its messages came through a replica") }
            master.foundMaster()
            publisher.linkReady()
        }
        guard isReady else { return }
        restartProbeTimer()
        if probe.isSubscribed { sendProbe() }
        notify { $0.shardReady(self) }
    }

    func link(_ link: RedisLink, received reply: RedisReply) {
        if link === subscriber.link {
            if let event = subscriber.received(reply) { act(on: event) }
        } else {
            publisher.received(reply)
        }
    }

    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure) {
        let isSameRedis = health.isProven
        health.failed(failure, at: loop.nowMilliseconds)
        probe.forget()
        guard link === subscriber.link else {
            overruns.publisherLost()
            publisher.linkLost()
            return reportFailure()
        }
        subscriber.linkLost()
        probe.isSubscribed = false
        nodes?.lost()
        ledger.linkLost(heardAt: min(subscriber.lastHeardMilliseconds, master.replicaSince ?? .max))
        retryAt = nil
        notify { $0.shardLostSubscriptions(self) }
        guard isSameRedis else { return reportFailure() }
        overruns.explain(failure) { [weak self] isOverrun in
            if isOverrun { self?.health.overrun() }
            self?.reportFailure()
        }
    }

    private func reportFailure() {
        notify { $0.shardChanged(self) }
        notify { $0.shardFailed(self) }
    }

    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure) {
        health.failed(failure, at: loop.nowMilliseconds)
        if link === publisher.link, failure.kind == .replica { master.foundReplica() }
        reportFailure()
        if link === subscriber.link { settle(ledger.redisAway(at: loop.nowMilliseconds)) }
    }
}

@available(*, unavailable)
extension RedisShard: Sendable {}
