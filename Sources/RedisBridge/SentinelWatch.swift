internal import Bytes
internal import WSLoop

/// Receives the Sentinels' information; called on the loop.
protocol SentinelWatchOwner: AnyObject {
    /// Whether the most recently named master can be used.
    var isMasterReachable: Bool { get }
    /// The master is this server.
    func sentinelNamed(_ master: RedisServer)
    /// The reason why the master is unknown has changed.
    func sentinelProblemChanged()
}

/// Asks Sentinels for the master, and listens to one of them for a change.
///
/// A Sentinel may lag behind the others and name the old master. While the master can be reached, only a Sentinel with
/// the newest information is believed; when it cannot be reached, each Sentinel is believed in turn.
final class SentinelWatch: TopologyWatch {
    private let master: String
    private let timer: Timer
    private let askTimer: Timer
    private let link: RedisLink
    private var sentinels: [RedisServer]
    private var awaited: [Awaited] = []
    /// The configuration epoch of the current Sentinel; nil if it does not say.
    ///
    /// Each failover increases it.
    private var epoch: Int?
    private var newestEpoch = 0
    private weak let owner: (any SentinelWatchOwner)?
    private(set) var problem: String?

    /// The replies expected before the Sentinel's own messages.
    private enum Awaited { case details, address }

    /// Makes a watch that is not started; end it with `stop()`.
    init(
        on loop: Loop, sentinels: [RedisServer], master: String, tls: TLSContext?, timing: RedisTiming,
        owner: any SentinelWatchOwner
    ) throws(SystemError) {
        let timers = try Timer.several(2, on: loop)
        timer = timers[0]
        askTimer = timers[1]
        self.sentinels = sentinels
        self.master = master
        self.owner = owner
        link = RedisLink(on: loop, servers: sentinels, login: RedisLogin(), tls: tls, timing: timing, timer: timer)
        askTimer.onEvent { [weak self] in self?.askNext() }
    }

    func start() {
        link.start(owner: self)
    }

    func ask() {
        if !askTimer.isActive { askTimer.start(afterMilliseconds: SentinelWatch.askMilliseconds) }
    }

    func stop() {
        link.stop()
        timer.close()
        askTimer.close()
    }

    /// The time between two questions while the master does not answer.
    private static let askMilliseconds: UInt64 = 250

    /// Reconnects, because a subscribed connection cannot ask, and this Sentinel may be the one that is cut off.
    private func askNext() {
        // The next Sentinel may still name the lost master.
        guard owner?.isMasterReachable == false else { return }
        sentinels.append(sentinels.removeFirst())
        link.move(to: sentinels, reason: "asking again")
    }

    private func answered(_ reply: RedisReply) {
        guard let host = reply.element(0)?.text, let port = reply.element(1)?.text else {
            return setProblem(reply.errorText ?? "the Sentinel knows no master of the name \(master)")
        }
        setProblem(nil)
        let isBehind = epoch.map { $0 < newestEpoch } ?? false
        if isBehind, owner?.isMasterReachable == true { return }
        follow(host, port, epoch: epoch)
    }

    /// Handles the words of +switch-master: name, old address and port, new address and port.
    private func switched(_ words: [Substring]) {
        guard words.count == 5, words[0] == master else { return }
        setProblem(nil)
        follow(String(words[3]), String(words[4]), epoch: epoch.map { $0 + 1 })
    }

    private func follow(_ host: String, _ port: String, epoch: Int?) {
        guard let port = UInt16(port) else { return }
        newestEpoch = epoch ?? newestEpoch
        owner?.sentinelNamed(.tcp(host: host, port: port))
    }

    private func setProblem(_ next: String?) {
        guard problem != next else { return }
        problem = next
        owner?.sentinelProblemChanged()
    }
}

extension SentinelWatch: RedisLinkOwner {
    func linkReady(_ link: RedisLink) {
        awaited = [.details, .address]
        link.send(RedisCommand("SENTINEL", ["MASTER", master]))
        link.send(RedisCommand("SENTINEL", ["get-master-addr-by-name", master]))
        link.send(RedisCommand("SUBSCRIBE", ["+switch-master"]))
    }

    func link(_ link: RedisLink, received reply: RedisReply) {
        guard !awaited.isEmpty else { return switched(reply.element(2)?.text?.split(separator: " ") ?? []) }
        switch awaited.removeFirst() {
        case .details: epoch = reply.field("config-epoch").flatMap { Int($0) }
        case .address: answered(reply)
        }
    }

    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure) {}

    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure) {
        setProblem("no Sentinel answers; \(failure.reason)")
    }
}

extension RedisBridge: SentinelWatchOwner {
    var isMasterReachable: Bool { shards.first?.isReady ?? false }

    func sentinelNamed(_ master: RedisServer) {
        shards.first?.move(toMaster: master)
    }

    func sentinelProblemChanged() {
        reportChange()
    }
}
