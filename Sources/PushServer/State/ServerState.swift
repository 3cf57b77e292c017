internal import Access
internal import Broker
internal import Channels
internal import HTTP
internal import Hooks
internal import Logging
internal import Synchronization
internal import Tokens
internal import WSLoop

/// The state that the workers of a server share; safe on any thread.
final class ServerState: Sendable {
    let logger: Logger
    /// The current settings; loops have their own reference, which they replace between two requests.
    private let current: Mutex<LiveSettings>
    /// What messages are published through.
    let broker: BrokerChoice
    /// The number of this process among all nodes and over restarts, in the names of its connections.
    let nodeID = UInt64.random(in: .min ... .max)
    let directory: ChannelDirectory
    let presence: Presence
    let revoked = RevokedTokens()
    /// Those of this node's publishers.
    let recentPublishes = RecentPublishes()
    /// Messages to users that were heard from any node.
    let heardPublishes = RecentPublishes()
    let admission: Mutex<Admission>
    let sockets = Mutex(SocketCensus())
    let inboxes: [Inbox<WorkerMessage>]
    let pages: [String: Page]
    let lifecycle = Lifecycle()
    let places: ConnectionPlaces
    let pusherPlaces = PusherPlaces()
    let bytes = ByteAccounts()
    let boards: WorkerBoards
    let logLimits = LogLimits()
    let metrics = MetricsCache()
    private let latestBrokerStatus = Mutex<BrokerStatus?>(nil)
    private let latestQuestionStatus = Mutex<QuestionStatus?>(nil)
    private let latestEventStatus = Mutex<EventStatus?>(nil)
    private let latestKeySetStatus = Mutex<KeySetStatus?>(nil)

    init(configuration: ServerConfiguration, logger: Logger) {
        let workers = max(configuration.workers, 1)
        self.logger = logger
        broker = configuration.broker
        // What one client recovers fits into its outbox.
        directory = ChannelDirectory(
            loops: workers, isAlwaysReady: configuration.broker.isEmbedded,
            historyBudgetBytes: configuration.historyBudgetBytes,
            historyBytesOfChannel: configuration.outboxLimitBytes / 2,
            growingBytes: configuration.maxPublishBytes)
        presence = Presence(node: nodeID, isShared: !configuration.broker.isEmbedded)
        admission = Mutex(Admission(configuration.admission))
        inboxes = (0..<workers).map { _ in Inbox() }
        pages = ServerState.pages(configuration)
        places = ConnectionPlaces(maxDeflateContexts: configuration.maxDeflateContexts, workers: workers)
        current = Mutex(LiveSettings(configuration, possibleClients: places.possibleClients))
        boards = WorkerBoards(workers: workers)
    }

    var workers: Int { inboxes.count }

    /// The current settings, for what is no loop; a loop uses those of its `LoopContext`.
    var settings: LiveSettings { current.withLock { $0 } }
    var configuration: ServerConfiguration { settings.configuration }

    /// Replaces the settings, except in the loops.
    func take(_ settings: LiveSettings) {
        current.withLock { $0 = settings }
        admission.withLock { $0.limits = settings.configuration.admission }
    }

    /// The page for a request.
    func page(_ head: RequestHead) -> Page? {
        pages[head.path]
    }

    private static func pages(_ configuration: ServerConfiguration) -> [String: Page] {
        guard case .channels = configuration.endpoint else { return configuration.pages }
        let demo = Page(body: PackageResources.demo_html)
        return ["/": demo].merging(configuration.pages) { $1 }
    }

    /// Stops accepting, and closes the WebSockets spread over the drain period.
    func drain() {
        guard lifecycle.enter(.draining) else { return }
        logger.notice("draining")
        inboxes[NodeMessage.worker].post(.node(.drain))
        for inbox in inboxes { inbox.post(.drain) }
    }

    /// What is known about the keys of `--token-jwks`; nil if there are none to fetch.
    var keySetStatus: KeySetStatus? {
        get { latestKeySetStatus.withLock { $0 } }
        set { latestKeySetStatus.withLock { $0 = newValue } }
    }

    /// When a token that is valid now has expired, if its own end is not known; in seconds of Unix time.
    var latestTokenEnd: Int {
        Int(Loop.unixTimeSeconds) + (configuration.tokens?.policy.maxAgeSeconds ?? Revocation.longestSeconds)
    }

    /// How the questions to the backend go; nil if none are asked.
    var questionStatus: QuestionStatus? {
        get { latestQuestionStatus.withLock { $0 } }
        set { latestQuestionStatus.withLock { $0 = newValue } }
    }

    /// What became of the events for the backend; nil if it wants none.
    var eventStatus: EventStatus? {
        get { latestEventStatus.withLock { $0 } }
        set { latestEventStatus.withLock { $0 = newValue } }
    }

    /// The latest status of the broker; nil if it is the embedded one, or nothing is known yet.
    var brokerStatus: BrokerStatus? {
        get { latestBrokerStatus.withLock { $0 } }
        set { latestBrokerStatus.withLock { $0 = newValue } }
    }
}
