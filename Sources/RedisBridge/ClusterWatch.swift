internal import Bytes
internal import WSLoop

/// Receives the map of a cluster; called on the loop.
protocol ClusterWatchOwner: AnyObject {
    /// The servers have these slots.
    func clusterHas(_ slots: [RedisServer: SlotSet])
    /// The reason why the map is unknown has changed.
    func clusterProblemChanged()
}

/// Asks a cluster for its slots: regularly, and when a server does not answer or redirects.
final class ClusterWatch: TopologyWatch {
    private let timer: Timer
    private let askTimer: Timer
    private let link: RedisLink
    private let timing: RedisTiming
    private let seeds: [RedisServer]
    private var servers: [RedisServer]
    private var isAsking = false
    private weak let owner: (any ClusterWatchOwner)?
    private(set) var problem: String?

    /// Makes a watch that is not started; end it with `stop()`.
    init(
        on loop: Loop, servers: [RedisServer], login: RedisLogin, tls: TLSContext?, timing: RedisTiming,
        owner: any ClusterWatchOwner
    ) throws(SystemError) {
        let timers = try Timer.several(2, on: loop)
        timer = timers[0]
        askTimer = timers[1]
        seeds = servers
        self.servers = servers
        self.timing = timing
        self.owner = owner
        link = RedisLink(on: loop, servers: servers, login: login, tls: tls, timing: timing, timer: timer)
        askTimer.onEvent { [weak self] in self?.askTimePassed() }
    }

    func start() {
        link.start(owner: self)
    }

    /// Combines several requests within a short time into one question.
    func ask() {
        guard link.isReady, !isAsking else { return }
        askTimer.start(afterMilliseconds: ClusterWatch.askMilliseconds)
    }

    func stop() {
        link.stop()
        timer.close()
        askTimer.close()
    }

    private static let askMilliseconds: UInt64 = 100
    /// How long a takeover by a replica may go unnoticed if the old server is frozen, so that its links report nothing.
    private static let refreshMilliseconds: UInt64 = 1000

    private func askTimePassed() {
        guard link.isReady else { return }
        // A server that does not answer may be the one that failed.
        guard !isAsking else { return tryAnother() }
        isAsking = true
        link.send(RedisCommand("CLUSTER", ["SLOTS"]))
        askTimer.start(afterMilliseconds: timing.connectMilliseconds)
    }

    private func tryAnother() {
        isAsking = false
        if servers.count > 1 { servers.append(servers.removeFirst()) }
        link.move(to: servers, reason: "CLUSTER SLOTS was not answered")
    }

    private func setProblem(_ next: String?) {
        guard problem != next else { return }
        problem = next
        owner?.clusterProblemChanged()
    }

    /// The reply has an array for each range of slots: first, last, master, replicas; a server is host, port and more.
    private func read(_ reply: RedisReply) -> [RedisServer: SlotSet] {
        var ranges: [RedisServer: [ClosedRange<Int>]] = [:]
        for index in 0..<reply.elementCount {
            guard let range = reply.element(index), let first = range.element(0)?.integer,
                let last = range.element(1)?.integer, first <= last, let master = range.element(2),
                let port = master.element(1)?.integer.flatMap({ UInt16(exactly: $0) })
            else { continue }
            // A server that does not know its own address leaves it empty: it is the server we asked.
            let host = master.element(0)?.text.flatMap { $0.isEmpty ? nil : $0 } ?? link.address?.host ?? ""
            ranges[.tcp(host: host, port: port), default: []].append(first...last)
        }
        return ranges.mapValues { SlotSet($0) }
    }
}

extension ClusterWatch: RedisLinkOwner {
    func linkReady(_ link: RedisLink) {
        isAsking = false
        askTimePassed()
    }

    func link(_ link: RedisLink, received reply: RedisReply) {
        isAsking = false
        askTimer.start(afterMilliseconds: ClusterWatch.refreshMilliseconds)
        if let text = reply.errorText { return setProblem("CLUSTER SLOTS was refused: \(text)") }
        let slots = read(reply)
        guard !slots.isEmpty else { return setProblem("the cluster has no slots") }
        setProblem(nil)
        link.proven()
        servers = seeds + slots.keys.filter { !seeds.contains($0) }
        owner?.clusterHas(slots)
    }

    func linkLost(_ link: RedisLink, _ failure: RedisLinkFailure) {
        isAsking = false
        // The server may have failed: try the known ones, another one first.
        if servers.count > 1 { servers.append(servers.removeFirst()) }
        link.move(to: servers, reason: failure.reason)
    }

    func linkFailed(_ link: RedisLink, _ failure: RedisLinkFailure) {
        setProblem("no server of the cluster answers; \(failure.reason)")
    }
}
