public import WSLoop

/// Takes what the bridge brings; called on its loop, and never from inside `subscribe()`.
public protocol RedisBridgeDelegate: AnyObject {
    /// A message arrived on a channel; the payload is lent for the call.
    func bridgeReceived(_ payload: RawSpan, on channel: String)
    /// A pending `subscribe()` may be confirmed to the client now.
    ///
    /// Redis has confirmed it, or has not within the time, or is known to be away.
    func bridgeSettled(_ channel: String)
    /// The subscriber link went down: no channel counts as confirmed any more.
    func bridgeLostSubscriptions()
    /// The state or the usability changed; called once for each change, not for each attempt.
    func bridgeStatusChanged(_ status: RedisStatus)
}

/// Joins the channels of this process with those of Redis.
///
/// Two links: one is subscribed to every wanted channel, the other publishes. Both are made anew for ever, and a message
/// that the bridge sends to itself watches over them. Everything belongs to the loop's thread.
public final class RedisBridge {
    let loop: Loop
    let channels: RedisChannelMap
    let timing: RedisTiming
    let handles: BridgeHandles
    let subscriber: RedisLink
    let publisher: RedisLink
    weak let delegate: (any RedisBridgeDelegate)?
    var ledger: SubscriptionLedger
    var pending = PendingPublishes()
    var probe: RoundTripProbe
    var isProbeSubscribed = false
    /// What the deadline timer is set to.
    var armedDeadline: UInt64?
    var health: BridgeHealth
    private var isStopped = false

    /// Messages that arrived on Redis channels that are no channel here.
    public internal(set) var ignoredMessages = 0

    /// Makes a bridge that does nothing yet; it must be ended with `stop()`.
    public init(
        on loop: Loop, endpoint: RedisEndpoint, channels: RedisChannelMap, timing: RedisTiming = RedisTiming(),
        delegate: any RedisBridgeDelegate
    ) throws(SystemError) {
        handles = try BridgeHandles(on: loop)
        self.loop = loop
        self.channels = channels
        self.timing = timing
        self.delegate = delegate
        subscriber = RedisLink(on: loop, endpoint: endpoint, timing: timing, timer: handles.subscriberTimer)
        publisher = RedisLink(on: loop, endpoint: endpoint, timing: timing, timer: handles.publisherTimer)
        ledger = SubscriptionLedger(
            map: channels, confirmMilliseconds: timing.confirmMilliseconds,
            lingerMilliseconds: timing.lingerMilliseconds)
        var random = SystemRandomNumberGenerator()
        probe = RoundTripProbe(using: &random)
        health = BridgeHealth(sinceMilliseconds: loop.nowMilliseconds)
    }

    /// Begins to connect with the next turn of the loop.
    public func start() {
        guard !isStopped else { return }
        handles.beforeSleep.onEvent { [weak self] in self?.sendCommands() }
        handles.deadlineTimer.onEvent { [weak self] in self?.deadlinePassed() }
        handles.probeTimer.onEvent { [weak self] in self?.probeTimePassed() }
        subscriber.start(owner: self)
        publisher.start(owner: self)
    }

    /// Wants the messages of a channel.
    ///
    /// - Returns: true if Redis has confirmed it; false if `bridgeSettled` follows, once, within a second.
    public func subscribe(_ channel: String) -> Bool {
        ledger.subscribe(channel, at: loop.nowMilliseconds)
    }

    /// Whether Redis has confirmed a channel that was wanted.
    public func isConfirmed(_ channel: String) -> Bool {
        ledger.isConfirmed(channel)
    }

    /// Nobody here is subscribed any more: Redis is told after a while, unless the channel is wanted again by then.
    ///
    /// A settlement that is still due does not come.
    public func unsubscribe(_ channel: String) {
        ledger.unsubscribe(channel, at: loop.nowMilliseconds)
    }

    /// Publishes through Redis.
    ///
    /// - Parameter completion: runs once, on the loop, with the number of Redis clients that got the message; inside this
    ///   call if it fails at once.
    public func publish(
        _ payload: [UInt8], to channel: String, completion: @escaping (Result<Int, RedisPublishFailure>) -> Void
    ) {
        guard publisher.isReady else { return completion(.failure(.notConnected)) }
        guard pending.hasRoom(forBytes: payload.count) else { return completion(.failure(.overloaded)) }
        publish(payload, toRedis: Array(channels.publishTarget(for: channel).utf8), completion: completion)
    }

    /// How the bridge stands with Redis.
    public var status: RedisStatus {
        health.status(subscribedChannels: ledger.confirmedCount, lateChannels: ledger.lateCount)
    }

    /// Ends links, lookups and timers; pending publishes fail, and the delegate hears no more.
    public func stop() {
        guard !isStopped else { return }
        isStopped = true
        subscriber.stop()
        publisher.stop()
        handles.close()
        failPendingPublishes()
    }

    /// Runs `body` with the delegate, unless the bridge was stopped: a delegate may do that in any of its methods.
    func notify(_ body: (any RedisBridgeDelegate) -> Void) {
        guard !isStopped, let delegate else { return }
        body(delegate)
    }
}

@available(*, unavailable)
extension RedisBridge: Sendable {}
