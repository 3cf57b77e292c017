public import Broker
internal import Bytes
public import WSLoop

/// Connects this process' channels with Redis: one server, the master that Sentinels name, or a cluster, whose shards
/// share the channels.
///
/// Confined to the loop's thread.
public final class RedisBridge {
    let loop: Loop
    let endpoint: RedisEndpoint
    let tls: TLSContext?
    let channels: RedisChannelMap
    let timing: RedisTiming
    let maxPayloadBytes: Int
    weak let delegate: (any BrokerDelegate)?
    private let isChannel: (String) -> Bool
    /// The shards; each channel belongs to at least one of them.
    var shards: [RedisShard] = []
    /// Only in a cluster with sharded Pub/Sub.
    private var cluster: ClusterShards?
    /// One hook for all shards, including those that a cluster adds later.
    ///
    /// libuv runs the hook that was started last first, and this one must run after the hooks of the bridge's user.
    private let beforeSleep: BeforeSleepHook
    /// Finds the servers, unless there is only one.
    var watch: (any TopologyWatch)?
    let routes: PublishRoutes
    let streams: RedisStreams
    private var news = StatusNews()
    private var ignoredMessages = 0
    private(set) var isStopped = false
    /// Whether the node hears what nodes tell.
    var hearsNodes = false

    /// Makes a bridge that is not started; end it with `stop()`.
    ///
    /// - Parameters:
    /// - tls: required if the endpoint uses TLS.
    /// - maxPayloadBytes: larger messages are dropped while they arrive, and never stored.
    /// - isChannel: whether a name can be a channel here; messages of patterns with other names are ignored.
    public init(
        on loop: Loop, endpoint: RedisEndpoint, tls: TLSContext? = nil, channels: RedisChannelMap,
        timing: RedisTiming = RedisTiming(), maxPayloadBytes: Int = 1 << 20,
        isChannel: @escaping (String) -> Bool = { _ in true }, delegate: any BrokerDelegate
    ) throws(SystemError) {
        precondition((tls != nil) == endpoint.usesTLS, "an endpoint with TLS, and no other, needs a context")
        self.loop = loop
        self.endpoint = endpoint
        self.tls = tls
        self.channels = channels
        self.timing = timing
        self.maxPayloadBytes = maxPayloadBytes
        self.isChannel = isChannel
        self.delegate = delegate
        routes = PublishRoutes(on: loop, timing: timing)
        streams = RedisStreams(on: loop, timing: timing)
        beforeSleep = try BeforeSleepHook(on: loop)
        routes.bridge = self
        streams.bridge = self
        do throws(SystemError) {
            try open()
        } catch {
            stop()
            throw error
        }
    }

    /// Starts to connect in the next turn of the loop.
    public func start() {
        guard !isStopped else { return }
        beforeSleep.onEvent { [weak self] in
            guard let self else { return }
            for shard in shards { shard.endTurn() }
        }
        for shard in shards { shard.start() }
        watch?.start()
    }

    /// Subscribes to a channel.
    ///
    /// - Returns: true if Redis has confirmed it; false if `brokerSettled` follows, once, within a second.
    public func subscribe(_ channel: String) -> Bool {
        var isConfirmed = true
        for shard in shards(of: channel) where !shard.subscribe(channel) { isConfirmed = false }
        guard streams.limits(of: channel) != nil else { return isConfirmed }
        return streams.follow(channel, isConfirmed: isConfirmed)
    }

    /// Whether a client waits for the channel's confirmation.
    func isAwaited(_ channel: String) -> Bool { shards.contains { $0.ledger.isAwaited(channel) } }

    /// Whether Redis has confirmed a subscribed channel.
    func isConfirmed(_ channel: String) -> Bool {
        shards(of: channel).allSatisfy { $0.ledger.isConfirmed(channel) }
    }

    /// Unsubscribes from a channel after a while, unless it is subscribed again by then.
    ///
    /// A pending `brokerSettled` will not be called.
    public func unsubscribe(_ channel: String) {
        for shard in shards(of: channel) { shard.unsubscribe(channel) }
        streams.settled(channel)
    }

    /// Publishes through Redis; while Redis is away, messages wait for a limited time after the loss.
    ///
    /// - Parameter completion: runs once, on the loop, with the number of Redis clients that got a plain message;
    ///   inside this call if it fails at once.
    func publish(
        _ payload: [UInt8], to channel: String, as form: PublishForm = .plain,
        completion: @escaping PublishQueue.Completion
    ) {
        guard !isStopped else { return completion(.failure(.notConnected)) }
        routes.publish(payload, toRedis: channels.publishTarget(for: channel), as: form, completion)
    }

    /// The status of the connection to Redis.
    public var status: BrokerStatus {
        var status = BrokerStatus.combining(usedShards.map(\.status))
        status.reconnects += cluster?.retired.reconnects ?? 0
        status.overruns += cluster?.retired.overruns ?? 0
        status.ignoredMessages = ignoredMessages
        // Not finding Redis is a better reason than Redis not answering.
        if !status.isUsable, let problem = watch?.problem {
            status.reason = problem
            status.isReasonGiven = false
            status.retryMilliseconds = timing.lastBackoffMilliseconds
            if status.state == .connecting { status.state = .disconnected }
        }
        return status
    }

    /// Ends links, lookups and timers; pending publishes fail, and the delegate is not called any more.
    public func stop() {
        guard !isStopped else { return }
        isStopped = true
        watch?.stop()
        beforeSleep.close()
        for shard in shards { shard.stop() }
        routes.stop()
        streams.stop()
    }

    /// Calls `body` with the delegate, unless the bridge was stopped, which a delegate may do in any of its methods.
    func notify(_ body: (any BrokerDelegate) -> Void) {
        guard !isStopped, let delegate else { return }
        body(delegate)
    }

    func reportChange() {
        let status = status
        guard news.take(status) else { return }
        notify { $0.brokerStatusChanged(status) }
    }

    private func open() throws(SystemError) {
        try streams.open()
        switch endpoint.topology {
        case .single(let server): shards = [try shard([server], slots: nil)]
        case .cluster(let servers) where endpoint.clusterPubSub == .plain: shards = [try shard(servers, slots: nil)]
        case .sentinel(let servers, let master):
            shards = [try shard([], slots: nil)]
            watch = try SentinelWatch(
                on: loop, sentinels: servers, master: master, tls: tls, timing: timing, owner: self)
        case .cluster(let servers):
            try routes.open()
            let cluster = ClusterShards(of: self)
            self.cluster = cluster
            // Until the owners are known, one shard holds all channels.
            shards = [try shard([], slots: SlotSet.all)]
            watch = try ClusterWatch(
                on: loop, servers: servers, login: endpoint.login, tls: tls, timing: timing, owner: cluster)
        }
    }

    /// Makes a shard for a server, or for slots whose server is unknown.
    func shard(_ servers: [RedisServer], slots: SlotSet?) throws(SystemError) -> RedisShard {
        let shard = try RedisShard(
            on: loop, servers: servers, login: endpoint.subscriberLogin, publisherLogin: endpoint.publisherLogin,
            tls: tls, names: ChannelNames(map: channels, slots: slots), timing: timing,
            maxPayloadBytes: maxPayloadBytes, owner: self)
        shard.publisher.preparation = streamPreparation
        if hearsNodes { shard.joinNodes() }
        return shard
    }

    /// The shards with a Redis name of the channel.
    func shards(of channel: String) -> [RedisShard] {
        guard shards.count > 1 else { return shards }
        return shards.filter { !$0.ledger.names.redisChannels(for: channel).isEmpty }
    }

    /// The shards whose state counts.
    private var usedShards: [RedisShard] {
        let used = shards.filter { $0.ledger.names.slots?.isEmpty != true }
        return used.isEmpty ? shards : used
    }

    /// The shard that has a Redis channel or key.
    func shard(withRedis name: String) -> RedisShard? { shards.first { $0.ledger.names.has(name) } }

    /// Has a question asked at the server that has a key; fails at once while Redis is away.
    func ask(
        about key: String, _ send: (RedisPublisher, @escaping PublishQueue.Answered) -> Void,
        answered: @escaping (RedisReply?, BrokerFailure?) -> Void
    ) {
        guard !isStopped, let shard = shard(withRedis: key) else {
            return answered(nil, BrokerFailure(RedisPublishFailure.notConnected.description))
        }
        send(shard.publisher) { [weak self] reply in
            guard let reply else {
                return answered(nil, BrokerFailure(RedisPublishFailure.notConnected.description))
            }
            guard let text = reply.errorText else { return answered(reply, nil) }
            if let redirection = ClusterRedirection(error: text) { self?.follow(redirection, from: shard) }
            answered(nil, BrokerFailure(RedisPublishFailure.refused(text).description))
        }
    }

    /// Follows a redirection of a server that no longer has a slot, and asks for the rest of the map.
    func follow(_ redirection: ClusterRedirection, from shard: RedisShard) {
        watch?.ask()
        cluster?.follow(redirection, from: shard)
    }
}

extension RedisBridge: RedisShardOwner {
    func shard(_ shard: RedisShard, received payload: RawSpan, on channel: String, named name: RawSpan) {
        // A pattern may also deliver messages whose names have the prefix but are not channels.
        guard channels.patterns.isEmpty && shard.ledger.wildcards.isEmpty || isChannel(channel) else {
            return self.shard(shard, ignored: name)
        }
        if let envelope = StreamEnvelope(payload) { return streams.take(envelope, payload, of: channel, named: name) }
        guard payload.byteCount <= maxPayloadBytes else { return shardLeftOutMessage(shard) }
        var bytes: [UInt8] = []
        bytes.append(payload)
        notify { $0.brokerReceived(Publication(channel: channel, payload: bytes)) }
    }

    /// Subscribers are told of possibly missed messages before they get new ones.
    ///
    /// A channel with names in several shards is ready when the last of them is, and one with a history when that was
    /// read.
    func shard(_ shard: RedisShard, confirmed confirmation: SubscriptionLedger.Confirmation) {
        let channel = confirmation.channel
        if let milliseconds = confirmation.gapMilliseconds, !streams.canHeal(channel) {
            notify { $0.brokerLeftGap(in: channel, milliseconds: milliseconds) }
        }
        let isSettled = confirmation.isSettled && !isAwaited(channel)
        guard !streams.confirmed(channel, isAwaited: isSettled) else { return }
        if isSettled { notify { $0.brokerSettled(channel, isConfirmed: isConfirmed(channel)) } }
    }

    func shard(_ shard: RedisShard, settled channel: String) {
        guard !isAwaited(channel), !streams.goesOnWaiting(for: channel) else { return }
        streams.settled(channel)
        notify { $0.brokerSettled(channel, isConfirmed: isConfirmed(channel) && !streams.isBehind(channel)) }
    }

    func shardLostSubscriptions(_ shard: RedisShard) {
        streams.lost { shard.ledger.keeps($0) }
        notify { $0.brokerLostSubscriptions() }
    }

    func shard(_ shard: RedisShard, redirected redirection: ClusterRedirection) {
        follow(redirection, from: shard)
    }

    func shardChanged(_ shard: RedisShard) {
        reportChange()
    }

    func shardFailed(_ shard: RedisShard) {
        watch?.ask()
    }

    func shardReady(_ shard: RedisShard) {
        cluster?.applyMap()
        streams.serverReady()
    }

    func shard(_ shard: RedisShard, ignored name: RawSpan) {
        ignoredMessages += 1
        if ignoredMessages == 1 { notify { $0.brokerIgnored(name.text ?? "not UTF-8") } }
    }

    func shardLeftOutMessage(_ shard: RedisShard) {
        notify { $0.brokerLeftOutMessage() }
    }

    func shard(_ shard: RedisShard, heard text: RawSpan) {
        var bytes: [UInt8] = []
        bytes.append(text)
        notify { $0.brokerHeard(bytes) }
    }

    func shardJoinedNodes(_ shard: RedisShard) {
        notify { $0.brokerJoinedNodes() }
    }

    func shard(_ shard: RedisShard, refusedNodes text: String) {
        notify { $0.brokerRefusedNodes("SUBSCRIBE was refused: \(text)") }
    }
}

@available(*, unavailable)
extension RedisBridge: Sendable {}
