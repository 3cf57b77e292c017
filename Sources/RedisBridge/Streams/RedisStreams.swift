internal import Broker
internal import Bytes
internal import DequeModule
internal import WSLoop

/// The histories of the channels that are followed here: takes their numbers from Redis, and reads what is missing.
///
/// Each channel is read once at a time, whoever waits for it. Confined to the loop's thread.
final class RedisStreams {
    /// The most reads at once, so that publishes need not wait for many of them.
    private static let maxReads = 64
    private static let retryMilliseconds: UInt64 = 200
    /// Some channels are checked each time.
    private static let turnMilliseconds: UInt64 = 1000
    /// The most bytes of a part of a stream that is read at once.
    private static let maxPageBytes = 1 << 20

    weak var bridge: RedisBridge?
    private let loop: Loop
    private let timing: RedisTiming
    var followers: [ByteName: StreamFollower] = [:]
    /// Channels that need a read; one may be there twice.
    private var unread = Deque<ByteName>()
    /// Channels whose read has failed.
    private var failed: [ByteName] = []
    private var reads = 0
    /// Whether Redis refuses reads, and that was reported.
    private var isRefused = false
    /// Channels whose clients wait, until when.
    private var awaited: [ByteName: UInt64] = [:]
    /// Channels whose clients were let in before anything of the history was read.
    private var exposed: Set<ByteName> = []
    private var timer: Timer?
    /// Channels that are still to be checked in this round.
    private var unchecked: [ByteName] = []
    private var checkTimer: Timer?

    init(on loop: Loop, timing: RedisTiming) {
        self.loop = loop
        self.timing = timing
    }

    func open() throws(SystemError) {
        let timers = try Timer.several(2, on: loop)
        timers[0].onEvent { [weak self] in self?.timePassed() }
        timers[1].onEvent { [weak self] in self?.checkSome() }
        let milliseconds = min(RedisStreams.turnMilliseconds, timing.checkMilliseconds)
        timers[1].start(afterMilliseconds: milliseconds, everyMilliseconds: milliseconds)
        (timer, checkTimer) = (timers[0], timers[1])
    }

    func stop() {
        timer?.close()
        checkTimer?.close()
    }

    /// What a channel keeps of its messages; nil if it has no history.
    func limits(of channel: String) -> StreamLimits? { bridge?.delegate?.streamLimits(of: channel) }

    /// Whether a channel is subscribed in Redis, or was a moment ago.
    func keeps(_ channel: String) -> Bool { bridge?.shards.contains { $0.ledger.keeps(channel) } == true }

    /// Calls the script for a channel.
    func call(
        _ arguments: [String], of channel: String, answered: @escaping (RedisReply?, BrokerFailure?) -> Void
    ) {
        guard let bridge else { return }
        let keys = [bridge.channels.publishTarget(for: channel), bridge.channels.growingKey(of: channel)]
        bridge.ask(about: keys[0], { $0.callScript(arguments, on: keys, answered: $1) }, answered: answered)
    }

    // MARK: - Subscriptions

    /// Follows a channel that clients subscribe to.
    ///
    /// - Parameter isConfirmed: whether Redis has confirmed the subscription.
    /// - Returns: whether clients can join; if not, the channel is settled later.
    func follow(_ channel: String, isConfirmed: Bool) -> Bool {
        let name = ByteName(channel)
        var follower = followers[name] ?? StreamFollower()
        if isConfirmed { follower.begin() }
        followers[name] = follower
        guard !isConfirmed || !follower.isSynced else { return true }
        awaited[name] = loop.nowMilliseconds + timing.confirmMilliseconds
        if isConfirmed { queue(name) }
        return false
    }

    /// Whether a channel is followed and messages are missing.
    func isBehind(_ channel: String) -> Bool { followers[ByteName(channel)]?.isSynced == false }

    /// Whether what a channel misses can be read, so that its subscribers need not be told of a gap.
    func canHeal(_ channel: String) -> Bool { followers[ByteName(channel)]?.mark != nil }

    /// Whether clients go on waiting for a channel that Redis does not confirm.
    ///
    /// A client that was at another node may know later messages than this one. It must not be told that messages are
    /// gone because they have not come here yet. So it waits even if Redis is known to be away: as long as for a
    /// confirmation, and longer if nothing is known here of the history.
    func goesOnWaiting(for channel: String) -> Bool {
        let name = ByteName(channel)
        guard let follower = followers[name], !follower.isSynced else { return false }
        if follower.mark == nil {
            let limit = max(timing.historyMilliseconds, timing.confirmMilliseconds) - timing.confirmMilliseconds
            awaited[name] = loop.nowMilliseconds + limit
        } else if awaited[name, default: 0] <= loop.nowMilliseconds {
            return false
        }
        armTimer()
        return true
    }

    /// Redis has confirmed a channel's subscription.
    ///
    /// - Parameter isAwaited: whether clients wait for it.
    /// - Returns: whether the clients have to wait for the history.
    func confirmed(_ channel: String, isAwaited: Bool) -> Bool {
        let name = ByteName(channel)
        guard followers[name] != nil else { return false }
        followers[name]?.subscribed()
        queue(name)
        if isAwaited { awaited[name] = loop.nowMilliseconds + timing.confirmMilliseconds }
        return isAwaited
    }

    /// Clients do not wait for the channel any more.
    func settled(_ channel: String) { awaited[ByteName(channel)] = nil }

    /// The subscriptions of a server were lost.
    func lost(_ isLost: (String) -> Bool) {
        for name in followers.keys where isLost(name.text) { followers[name]?.lost() }
    }

    // MARK: - Messages

    func deliver(
        _ entry: StreamEntry, _ epoch: UInt64, _ channel: String, ageMilliseconds: UInt64,
        _ arrival: StreamMessage.Arrival
    ) {
        guard let payload = entry.payload else {
            bridge?.notify { $0.brokerLeftOutMessage() }
            return
        }
        let message = StreamMessage(
            publication: Publication(
                channel: channel, payload: payload, key: entry.key, excluded: entry.attributes.excluded,
                piece: entry.attributes.piece),
            place: StreamPlace(epoch: String(epoch), offset: entry.offset), ageMilliseconds: ageMilliseconds,
            arrival: arrival)
        bridge?.notify { $0.brokerReceived(message) }
    }

    // MARK: - Reads

    /// Both links of a server are ready: what has failed is tried again.
    func serverReady() {
        unread.append(contentsOf: failed)
        failed = []
        readNext()
    }

    /// Has a channel read.
    func queue(_ name: ByteName) {
        unread.append(name)
        readNext()
    }

    private func readNext() {
        while reads < RedisStreams.maxReads, let name = unread.popFirst() {
            guard let follower = followers[name], follower.needsRead else { continue }
            read(name, follower.mark)
        }
        armTimer()
    }

    private func read(_ name: ByteName, _ mark: StreamFollower.Mark?) {
        guard let limits = limits(of: name.text) else {
            followers[name] = nil
            return
        }
        let arguments = [
            "read", String(mark?.epoch ?? 0), String(mark?.offset ?? 0), String(mark?.timeMicroseconds ?? 0),
            String(limits.maxMessages), String(limits.maxAgeSeconds), String(RedisStreams.maxPageBytes),
        ]
        guard let number = followers[name]?.reading() else { return }
        reads += 1
        call(arguments, of: name.text) { [weak self] in self?.answered(name, $0, $1, to: number) }
    }

    private func answered(
        _ name: ByteName, _ reply: RedisReply?, _ failure: BrokerFailure?, to number: UInt32
    ) {
        reads -= 1
        note(failure)
        guard let page = reply.flatMap(StreamPage.init), let steps = followers[name]?.answered(page, to: number) else {
            followers[name]?.failed(number)
            failed.append(name)
            return armTimer()
        }
        tellExposed(name, page)
        for step in steps { act(on: step, page, name.text) }
        if followers[name]?.isSynced == true {
            settle(name, isConfirmed: true)
        } else {
            unread.append(name)
        }
        readNext()
    }

    /// Clients that were let in without the history may have missed something; they go on behind what is read now.
    private func tellExposed(_ name: ByteName, _ page: StreamPage) {
        guard exposed.remove(name) != nil else { return }
        let place = StreamPlace(epoch: String(page.epoch), offset: page.lastOffset)
        bridge?.notify { $0.brokerRestarted(name.text, at: place, isLoss: true) }
    }

    /// Reports why Redis refuses reads, once.
    private func note(_ failure: BrokerFailure?) {
        let refusal = failure.flatMap { $0.isRefusal ? $0.description : nil }
        if let refusal, !isRefused { bridge?.notify { $0.brokerRefusedHistories(refusal) } }
        isRefused = failure == nil ? false : isRefused || refusal != nil
    }

    private func act(on step: StreamFollower.Step, _ page: StreamPage, _ channel: String) {
        switch step {
        case .restart(let epoch, let offset, let isLoss):
            let place = StreamPlace(epoch: String(epoch), offset: offset)
            bridge?.notify { $0.brokerRestarted(channel, at: place, isLoss: isLoss) }
        case .takeTexts: bridge?.notify { $0.brokerHasGrowing(page.texts, in: channel) }
        case .keep(let entry): deliver(entry, page, channel, .past)
        case .deliver(let entry): deliver(entry, page, channel, .healed)
        }
    }

    private func deliver(
        _ entry: StreamEntry, _ page: StreamPage, _ channel: String, _ arrival: StreamMessage.Arrival
    ) {
        let age = page.nowMicroseconds - min(entry.timeMicroseconds, page.nowMicroseconds)
        deliver(entry, page.epoch, channel, ageMilliseconds: age / 1000, arrival)
    }

    // MARK: - Time

    /// Reads some channels again, so that each is read in time.
    ///
    /// Nothing may follow a message that was lost, and nothing else keeps the numbers of a silent channel in Redis.
    private func checkSome() {
        if unchecked.isEmpty { unchecked = Array(followers.keys) }
        let turns = max(Int(timing.checkMilliseconds / RedisStreams.turnMilliseconds), 1)
        let count = min(unchecked.count, followers.count / turns + 1)
        for name in unchecked.suffix(count) {
            if keeps(name.text) {
                followers[name]?.check()
                unread.append(name)
            } else {
                followers[name] = nil
            }
        }
        unchecked.removeLast(count)
        readNext()
    }

    private func armTimer() {
        guard !awaited.isEmpty || !failed.isEmpty else { return }
        timer?.start(afterMilliseconds: RedisStreams.retryMilliseconds)
    }

    private func timePassed() {
        let now = loop.nowMilliseconds
        for (name, deadline) in awaited where deadline <= now { settle(name, isConfirmed: false) }
        serverReady()
    }

    private func settle(_ name: ByteName, isConfirmed: Bool) {
        // Until Redis has confirmed the subscription, or has had the time to, the bridge settles it.
        guard awaited[name] != nil, bridge?.isAwaited(name.text) != true else { return }
        awaited[name] = nil
        if !isConfirmed, followers[name]?.mark == nil { exposed.insert(name) }
        bridge?.notify { $0.brokerSettled(name.text, isConfirmed: isConfirmed) }
    }
}

@available(*, unavailable)
extension RedisStreams: Sendable {}
