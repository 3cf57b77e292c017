internal import Access
internal import Broker
internal import Channels
internal import HTTP
internal import Logging
internal import Synchronization
internal import WSLoop

/// Everything that the workers of a server share; safe from any thread.
final class ServerState: Sendable {
    enum Phase: Int {
        case starting, serving
        /// Still serving, and not ready any more, so that routers send new clients elsewhere.
        case leaving
        case draining

        var isStopping: Bool { self == .leaving || self == .draining }
    }

    let configuration: ServerConfiguration
    let logger: Logger
    let broker: BrokerChoice
    let directory: ChannelDirectory
    let access: AccessRules
    let trustedProxies: TrustedProxies
    let admission: Mutex<Admission>
    let sockets = Mutex(SocketCensus())
    let inboxes: [Inbox<WorkerMessage>]
    let pages: [String: Page]
    let descriptorLimit: Int
    let maxConnections: Limit
    /// For handshakes that were refused, and connections that were given up for the inbound budget.
    let refusalLines = LineLimit()
    let parameterLines = LineLimit()
    let subprotocolLines = LineLimit()
    let inboundShedLines = LineLimit()
    let unreadableLines = LineLimit()
    let metrics = MetricsCache()
    let startedNanoseconds = Loop.monotonicNanoseconds
    let startTimeSeconds = Loop.unixTimeSeconds
    /// WebSockets that are open or being opened; also counted per worker, but the limit needs one exact figure.
    private let webSockets = Atomic<Int>(0)
    private let deflateContexts = Atomic<Int>(0)
    private let queuedBytes = Atomic<Int>(0)
    private let inboundBytesTotal = Atomic<Int>(0)
    private let heldPeakBytes = Atomic<Int>(0)
    private let starvedNanoseconds = Atomic<UInt64>(0)
    private let shedNanoseconds = Atomic<UInt64>(0)
    private let phaseValue = Atomic<Int>(Phase.starting.rawValue)
    private let ringSenders = Atomic<Int>(0)
    private let boards: [WorkerBoard]
    private let latestBrokerStatus = Mutex<BrokerStatus?>(nil)

    init(configuration: ServerConfiguration, logger: Logger) {
        let workers = max(configuration.workers, 1)
        self.configuration = configuration
        self.logger = logger
        pages = ServerState.pages(configuration)
        descriptorLimit = SystemLimits.raiseDescriptorLimit()
        maxConnections =
            configuration.maxConnections
            ?? Limit(ServerState.webSockets(withDescriptors: descriptorLimit, workers: workers))
        broker = BrokerChoice(configuration)
        directory = ChannelDirectory(loops: workers, isAlwaysReady: broker.isEmbedded)
        access = AccessRules(
            allowedHosts: configuration.allowedHosts, allowedOrigins: configuration.allowedOrigins,
            publishKeys: configuration.publishKeys, apiKeys: configuration.apiKeys,
            hasAdminAddress: !configuration.admin.isEmpty)
        trustedProxies = TrustedProxies(configuration.trustedProxies)
        admission = Mutex(Admission(configuration.admission))
        inboxes = (0..<workers).map { _ in Inbox() }
        boards = (0..<workers).map { _ in WorkerBoard() }
    }

    /// Descriptors that are not for WebSockets: listeners, the broker, logs, and requests such as `/health`.
    private static let reservedDescriptors = 128

    /// How many WebSockets there are descriptors for.
    static func webSockets(withDescriptors limit: Int, workers: Int) -> Int {
        max(limit - reservedDescriptors - 8 * workers, 1)
    }

    var workers: Int { inboxes.count }

    /// Whether writes go through io_uring: where one worker has it, all have.
    var sendsThroughRing: Bool { ringSenders.load(ordering: .relaxed) > 0 }

    /// Notes what a worker sends with.
    func noteSender(_ sender: any Sender) {
        if sender is RingSender { ringSenders.add(1, ordering: .relaxed) }
    }
    var isFull: Bool { maxConnections.isEnforced && webSockets.load(ordering: .relaxed) >= maxConnections.value }

    /// Takes a place for a WebSocket; false if that is one too many.
    func takeWebSocketPlace() -> Bool {
        webSockets.add(1, ordering: .relaxed).oldValue < maxConnections.value
    }

    /// Gives a place back.
    func releaseWebSocket() {
        webSockets.subtract(1, ordering: .relaxed)
    }

    /// Connections that keep a decompression context.
    var deflateContextCount: Int { deflateContexts.load(ordering: .relaxed) }

    /// Takes one of the places for decompression contexts; false if there is none left.
    func reserveDeflateContext() -> Bool {
        guard deflateContexts.add(1, ordering: .relaxed).oldValue < configuration.maxDeflateContexts else {
            releaseDeflateContext()
            return false
        }
        return true
    }

    /// Gives a place back.
    func releaseDeflateContext() {
        deflateContexts.subtract(1, ordering: .relaxed)
    }

    /// Notes that a client could not be accepted for want of descriptors or memory.
    func noteStarved() {
        starvedNanoseconds.store(Loop.monotonicNanoseconds, ordering: .relaxed)
    }

    /// Whether clients could not be accepted a moment ago: while that is so, accepting is tried ten times a second.
    var isStarved: Bool {
        let starved = starvedNanoseconds.load(ordering: .relaxed)
        let now = Loop.monotonicNanoseconds
        return now < starved || now - starved < 500_000_000  // another thread may have noted it just now
    }

    /// Notes that queues were dropped because the budget was passed; returns whether that is worth a line in the log.
    func noteShed(atNanoseconds now: UInt64) -> Bool {
        let last = shedNanoseconds.exchange(now, ordering: .relaxed)
        return last == 0 || now > last + ServerState.overBudgetNanoseconds
    }

    /// Whether the budget for what is queued was passed a moment ago.
    var isOverBudget: Bool {
        let shed = shedNanoseconds.load(ordering: .relaxed)
        let now = Loop.monotonicNanoseconds
        return shed != 0 && (now < shed || now - shed < ServerState.overBudgetNanoseconds)
    }

    private static let overBudgetNanoseconds: UInt64 = 1_000_000_000

    /// Notes that a worker's queues have grown or shrunk; returns what is queued in all.
    func countQueued(_ change: Int) -> Int {
        let queued = queuedBytes.add(change, ordering: .relaxed).newValue
        if change > 0 { notePeak(queued + inboundBytes) }
        return queued
    }

    /// What is queued for clients in all.
    var queuedBytesTotal: Int { queuedBytes.load(ordering: .relaxed) }

    /// Notes that what peers make a worker hold has grown or shrunk; returns what all hold.
    func countInbound(_ change: Int) -> Int {
        guard change != 0 else { return inboundBytes }
        let inbound = inboundBytesTotal.add(change, ordering: .relaxed).newValue
        if change > 0 { notePeak(inbound + queuedBytesTotal) }
        return inbound
    }

    /// What peers make the process hold.
    var inboundBytes: Int { inboundBytesTotal.load(ordering: .relaxed) }

    private func notePeak(_ bytes: Int) {
        guard bytes > heldPeakBytes.load(ordering: .relaxed) else { return }
        heldPeakBytes.max(bytes, ordering: .relaxed)
    }

    /// The most that was held for clients, both ways, since the last call.
    func takeHeldPeakBytes() -> Int {
        heldPeakBytes.exchange(0, ordering: .relaxed)
    }

    /// The page that a request asks for.
    func page(_ head: RequestHead) -> Page? {
        pages[head.path]
    }

    private static func pages(_ configuration: ServerConfiguration) -> [String: Page] {
        guard case .channels = configuration.endpoint else { return configuration.pages }
        let demo = Page(body: PackageResources.demo_html)
        return ["/": demo].merging(configuration.pages) { $1 }
    }

    var phase: Phase { Phase(rawValue: phaseValue.load(ordering: .acquiring)) ?? .draining }

    /// Enters a phase unless that, or a later one, has been entered before.
    ///
    /// - Returns: whether it was entered by this call.
    @discardableResult
    func enter(_ phase: Phase) -> Bool {
        phaseValue.max(phase.rawValue, ordering: .acquiringAndReleasing).oldValue < phase.rawValue
    }

    /// Stops accepting, and closes the WebSockets spread over the drain period.
    func drain() {
        guard enter(.draining) else { return }
        logger.notice("draining")
        inboxes[NodeMessage.worker].post(.node(.drain))
        for inbox in inboxes { inbox.post(.drain) }
    }

    /// The latest status of the broker; nil if it is the embedded one, or nothing is known yet.
    var brokerStatus: BrokerStatus? {
        get { latestBrokerStatus.withLock { $0 } }
        set { latestBrokerStatus.withLock { $0 = newValue } }
    }

    /// Lays open what a worker has counted so far.
    func publish(_ counters: WorkerCounters, of worker: Int) {
        boards[worker].counters.withLock { $0 = counters }
    }

    /// The figures of all workers together.
    func totals() -> WorkerCounters {
        var total = WorkerCounters()
        for board in boards { board.counters.withLock { total.add($0) } }
        return total
    }

    /// Counts the client sockets of a worker, HTTP and WebSocket.
    func countStream(_ change: Int, on worker: Int) {
        boards[worker].openStreams.add(change, ordering: .relaxed)
    }

    /// The worker with the fewest client sockets.
    func leastLoadedWorker() -> Int {
        boards.indices.min {
            boards[$0].openStreams.load(ordering: .relaxed) < boards[$1].openStreams.load(ordering: .relaxed)
        } ?? NodeMessage.worker
    }

    /// Notes that a worker's loop turns.
    func beat(_ worker: Int) {
        boards[worker].beatNanoseconds.store(Loop.monotonicNanoseconds, ordering: .relaxed)
    }

    /// Whether every loop has turned within the last seconds.
    var allLoopsTurn: Bool {
        let now = Loop.monotonicNanoseconds
        return boards.allSatisfy { board in
            let beat = board.beatNanoseconds.load(ordering: .relaxed)
            return beat >= now || now - beat < ServerState.stallNanoseconds
        }
    }

    private static let stallNanoseconds: UInt64 = 10_000_000_000
}

/// What one worker lays open to the others.
private final class WorkerBoard: Sendable {
    let counters = Mutex(WorkerCounters())
    let openStreams = Atomic<Int>(0)
    let beatNanoseconds = Atomic<UInt64>(Loop.monotonicNanoseconds)
}
