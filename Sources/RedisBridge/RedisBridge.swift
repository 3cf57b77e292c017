public import Broker
internal import Bytes
public import WSLoop

/// Joins the channels of this process with those of Redis: of one server, of the master that Sentinels name, or of a
/// cluster, whose shards share the channels.
///
/// Everything belongs to the loop's thread.
public final class RedisBridge {
    let loop: Loop
    let endpoint: RedisEndpoint
    let tls: TLSContext?
    let channels: RedisChannelMap
    let timing: RedisTiming
    let maxPayloadBytes: Int
    weak let delegate: (any BrokerDelegate)?
    private let isChannel: (String) -> Bool
    /// Each with the channels of its slots; all channels have one.
    var shards: [RedisShard] = []
    /// In a cluster: the shard of each server.
    var shardOfServer: [RedisServer: RedisShard] = [:]
    /// In a cluster: which server has which slots, as far as is known.
    var clusterMap: [RedisServer: SlotSet] = [:]
    /// In a cluster: when a server last sent us on for a slot.
    var redirectedAt: [Int: UInt64] = [:]
    /// In a cluster: messages whose slot is just changing hands, for another try.
    var redirected = PublishQueue()
    var redirectTimer: Timer?
    /// One for all shards, also for those that a cluster gets later: of several hooks libuv runs the one that was started
    /// last first, and this one must come after those of whoever uses the bridge.
    private let beforeSleep: BeforeSleepHook
    /// Knows where the servers are, unless there is only one.
    var watch: (any TopologyWatch)?
    private var reported: (state: BrokerStatus.State, isUsable: Bool) = (.connecting, false)
    /// What Redis has told of the outage that lasts, and was reported.
    private var toldReasons: Set<String> = []
    private var ignoredMessages = 0
    /// What shards that are gone had counted.
    var retired = (reconnects: 0, overruns: 0)
    private var isStopped = false

    /// Makes a bridge that does nothing yet; it must be ended with `stop()`.
    ///
    /// - Parameters:
    ///   - tls: needed if the endpoint uses TLS.
    ///   - maxPayloadBytes: larger messages are left out while they arrive, and never held.
    ///   - isChannel: whether a name can be a channel here; messages that patterns bring under other names are ignored.
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
        beforeSleep = try BeforeSleepHook(on: loop)
        do throws(SystemError) {
            try open()
        } catch {
            stop()
            throw error
        }
    }

    /// Begins to connect with the next turn of the loop.
    public func start() {
        guard !isStopped else { return }
        beforeSleep.onEvent { [weak self] in
            guard let self else { return }
            for shard in shards { shard.endTurn() }
        }
        for shard in shards { shard.start() }
        watch?.start()
    }

    /// Wants the messages of a channel.
    ///
    /// - Returns: true if Redis has confirmed it; false if `brokerSettled` follows, once, within a second.
    public func subscribe(_ channel: String) -> Bool {
        var isConfirmed = true
        for shard in shards(of: channel) where !shard.subscribe(channel) { isConfirmed = false }
        return isConfirmed
    }

    /// Whether Redis has confirmed a channel that was wanted.
    func isConfirmed(_ channel: String) -> Bool {
        shards(of: channel).allSatisfy { $0.ledger.isConfirmed(channel) }
    }

    /// Nobody here is subscribed any more: Redis is told after a while, unless the channel is wanted again by then.
    ///
    /// A settlement that is still due does not come.
    public func unsubscribe(_ channel: String) {
        for shard in shards(of: channel) { shard.unsubscribe(channel) }
    }

    /// Publishes through Redis; while Redis is away the message waits, for a while from its loss on.
    ///
    /// - Parameter completion: runs once, on the loop, with the number of Redis clients that got the message; inside this
    ///   call if it fails at once.
    func publish(
        _ payload: [UInt8], to channel: String, completion: @escaping (Result<Int, RedisPublishFailure>) -> Void
    ) {
        guard !isStopped else { return completion(.failure(.notConnected)) }
        publish(payload, toRedis: channels.publishTarget(for: channel), until: nil, completion)
    }

    /// How the bridge stands with Redis.
    public var status: BrokerStatus {
        var status = BrokerStatus.combining(usedShards.map(\.status))
        status.reconnects += retired.reconnects
        status.overruns += retired.overruns
        status.ignoredMessages = ignoredMessages
        // Where Redis is comes before whether it answers.
        if !status.isUsable, let problem = watch?.problem {
            status.reason = problem
            status.isReasonGiven = false
            status.retryMilliseconds = timing.lastBackoffMilliseconds
            if status.state == .connecting { status.state = .disconnected }
        }
        return status
    }

    /// Ends links, lookups and timers; pending publishes fail, and the delegate hears no more.
    public func stop() {
        guard !isStopped else { return }
        isStopped = true
        watch?.stop()
        beforeSleep.close()
        redirectTimer?.close()
        for shard in shards { shard.stop() }
        for message in redirected.takeWaiting() { message.completion(.failure(.notConnected)) }
    }

    /// Runs `body` with the delegate, unless the bridge was stopped: a delegate may do that in any of its methods.
    func notify(_ body: (any BrokerDelegate) -> Void) {
        guard !isStopped, let delegate else { return }
        body(delegate)
    }

    func reportChange() {
        let status = status
        // A shard that a cluster has got just now is no news until it works or does not.
        guard status.state != .connecting else { return }
        let isChange = reported != (status.state, status.isUsable)
        guard isNewReason(status) || isChange else { return }
        reported = (status.state, status.isUsable)
        notify { $0.brokerStatusChanged(status) }
    }

    /// A loss tells little by itself: what Redis says to the next attempt is reported, too, each reason once.
    private func isNewReason(_ status: BrokerStatus) -> Bool {
        if status.isUsable { toldReasons = [] }
        guard status.isReasonGiven, let reason = status.reason, toldReasons.count < RedisBridge.maxReasons else {
            return false
        }
        return toldReasons.insert(reason).inserted
    }

    /// How many reasons are reported in one outage.
    private static let maxReasons = 10

    private func open() throws(SystemError) {
        switch endpoint.topology {
        case .single(let server): shards = [try shard([server], slots: nil)]
        case .cluster(let servers) where endpoint.clusterPubSub == .plain: shards = [try shard(servers, slots: nil)]
        case .sentinel(let servers, let master):
            shards = [try shard([], slots: nil)]
            watch = try SentinelWatch(
                on: loop, sentinels: servers, master: master, tls: tls, timing: timing, owner: self)
        case .cluster(let servers):
            let redirectTimer = try Timer(on: loop)
            self.redirectTimer = redirectTimer
            redirectTimer.onEvent { [weak self] in self?.publishRedirected() }
            // Until it is known who has a channel, nobody has.
            shards = [try shard([], slots: SlotSet.all)]
            watch = try ClusterWatch(
                on: loop, servers: servers, login: endpoint.login, tls: tls, timing: timing, owner: self)
        }
    }

    /// A shard for a server, or for what no server is known to have.
    func shard(_ servers: [RedisServer], slots: SlotSet?) throws(SystemError) -> RedisShard {
        try RedisShard(
            on: loop, servers: servers, login: endpoint.subscriberLogin, publisherLogin: endpoint.publisherLogin,
            tls: tls, names: ChannelNames(map: channels, slots: slots), timing: timing,
            maxPayloadBytes: maxPayloadBytes, owner: self)
    }

    /// The shards that have a Redis channel of the channel.
    func shards(of channel: String) -> [RedisShard] {
        guard shards.count > 1 else { return shards }
        return shards.filter { !$0.ledger.names.redisChannels(for: channel).isEmpty }
    }

    /// The shards whose state matters.
    private var usedShards: [RedisShard] {
        let used = shards.filter { $0.ledger.names.slots?.isEmpty != true }
        return used.isEmpty ? shards : used
    }

    /// - Parameter deadline: until when a server's word that another has the slot is followed; nil before the first.
    func publish(
        _ payload: [UInt8], toRedis name: String, until deadline: UInt64?,
        _ completion: @escaping PublishQueue.Completion
    ) {
        guard let shard = shards.first(where: { $0.ledger.names.has(name) }) else {
            return completion(.failure(.notConnected))
        }
        shard.publish(payload, to: Array(name.utf8)) { [weak self] result in
            guard let self, !isStopped, case .failure(.refused(let text)) = result,
                let redirection = ClusterRedirection(error: text)
            else { return completion(result) }
            follow(redirection, from: shard)
            guard let deadline else {
                return publish(
                    payload, toRedis: name, until: loop.nowMilliseconds + timing.publishMilliseconds, completion)
            }
            guard loop.nowMilliseconds < deadline, redirected.hasRoom(forBytes: payload.count) else {
                return completion(result)
            }
            wait(.init(channel: Array(name.utf8), payload: payload, deadline: deadline, completion: completion))
        }
    }
}

extension RedisBridge: RedisShardOwner {
    func shard(_ shard: RedisShard, received payload: RawSpan, on channel: String) {
        guard payload.byteCount <= maxPayloadBytes else { return shardLeftOutMessage(shard) }
        // A pattern also brings messages of names that have the prefix and are no channels.
        guard channels.patterns.isEmpty || isChannel(channel) else { return unsafe ignore(channel.utf8.span.bytes) }
        var bytes: [UInt8] = []
        bytes.append(payload)
        notify { $0.brokerReceived(Publication(channel: channel, payload: bytes)) }
    }

    /// A channel that has names in several shards is settled with the last of them.
    func shard(_ shard: RedisShard, settled channel: String) {
        guard !shards.contains(where: { $0.ledger.isAwaited(channel) }) else { return }
        notify { $0.brokerSettled(channel, isConfirmed: isConfirmed(channel)) }
    }

    func shard(_ shard: RedisShard, exposed channel: String, forMilliseconds milliseconds: UInt64) {
        notify { $0.brokerLeftGap(in: channel, milliseconds: milliseconds) }
    }

    func shardLostSubscriptions(_ shard: RedisShard) {
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
        if endpoint.isSharded { applyMap() }
    }

    func shard(_ shard: RedisShard, ignored name: RawSpan) {
        ignore(name)
    }

    func shardLeftOutMessage(_ shard: RedisShard) {
        notify { $0.brokerLeftOutMessage() }
    }

    private func ignore(_ name: RawSpan) {
        ignoredMessages += 1
        if ignoredMessages == 1 { notify { $0.brokerIgnored(name.text ?? "not UTF-8") } }
    }
}

@available(*, unavailable)
extension RedisBridge: Sendable {}
