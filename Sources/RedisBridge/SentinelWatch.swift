internal import Bytes
internal import WSLoop

/// Takes what the Sentinels say; called on the loop.
protocol SentinelWatchOwner: AnyObject {
    /// The master is this server.
    func sentinelNamed(_ master: RedisServer)
    /// What keeps it from knowing the master has changed.
    func sentinelProblemChanged()
}

/// Asks Sentinels where the master is, and listens to one of them for a change.
///
/// It trusts each Sentinel for as long as the master it names can be reached; then it goes on to the next.
final class SentinelWatch: TopologyWatch {
    private let master: String
    private let timer: Timer
    private let askTimer: Timer
    private let link: RedisLink
    private var sentinels: [RedisServer]
    private var isAsking = false
    private weak let owner: (any SentinelWatchOwner)?
    private(set) var problem: String?

    /// Makes a watch that does nothing yet; it must be ended with `stop()`.
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

    /// On a connection that is subscribed nothing can be asked, and this Sentinel may be the one that is cut off.
    private func askNext() {
        sentinels.append(sentinels.removeFirst())
        link.move(to: sentinels, reason: "asking again")
    }

    private func told(_ address: (host: String, port: String)) {
        guard let port = UInt16(address.port) else { return }
        setProblem(nil)
        owner?.sentinelNamed(.tcp(host: address.host, port: port))
    }

    private func setProblem(_ next: String?) {
        guard problem != next else { return }
        problem = next
        owner?.sentinelProblemChanged()
    }
}

extension SentinelWatch: RedisLinkOwner {
    func linkReady(_ link: RedisLink) {
        isAsking = true
        link.send(RedisCommand("SENTINEL", ["get-master-addr-by-name", master]))
        link.send(RedisCommand("SUBSCRIBE", ["+switch-master"]))
    }

    func link(_ link: RedisLink, received reply: RedisReply) {
        if isAsking {
            isAsking = false
            if let host = reply.element(0)?.text, let port = reply.element(1)?.text {
                told((host, port))
            } else {
                setProblem(reply.errorText ?? "the Sentinel knows no master of the name \(master)")
            }
        } else if let words = reply.element(2)?.text?.split(separator: " "), words.count == 5, words[0] == master {
            // +switch-master: name, old address and port, new address and port.
            told((String(words[3]), String(words[4])))
        }
    }

    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure) {}

    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure) {
        setProblem("no Sentinel answers; \(failure.reason)")
    }
}

extension RedisBridge: SentinelWatchOwner {
    func sentinelNamed(_ master: RedisServer) {
        shards.first?.move(toMaster: master)
    }

    func sentinelProblemChanged() {
        reportChange()
    }
}
