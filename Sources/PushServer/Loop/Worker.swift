internal import Access
internal import Broker
internal import Bytes
internal import Channels
internal import DequeModule
internal import HTTP
internal import Logging
internal import Protocols
internal import Synchronization
internal import WSLoop
internal import WebSocket

/// One event loop with its connections, its hub and its share of the channels' subscribers.
///
/// A turn of the loop: sockets that are ready are read, requests and frames handled, publishes marked; then, before the
/// loop sleeps, `endTurn` takes what other loops sent and flushes every marked connection once.
final class Worker {
    /// A publisher's messages that came together are published together: with 64 KiB a delivery of large ones costs a third more.
    private static let readBufferBytes = 262_144

    let index: Int
    let state: ServerState
    let loop: Loop
    let hub: Hub
    let buffer = ReadBuffer(byteCount: Worker.readBufferBytes)
    let writes = WriteList()
    let sender: any Sender
    /// Decompresses for all connections that keep no context.
    let inflater = Inflater()
    let requestLimits: RequestParser.Limits
    let messageLimits: ConnectionMachine.Limits
    let timeouts: Timeouts
    let pathPrefix: PathPrefix?
    /// What answers say about it, in whole seconds; made once for all.
    let keepAliveLines: [UInt8]
    var streams: StreamSet?
    // Unchecked (docs/decisions/0009): touched for each event of a socket.
    @safe @exclusivity(unchecked) var connections: ContiguousArray<Connection?> = []
    @safe @exclusivity(unchecked) var wheel = DeadlineWheel()
    @safe @exclusivity(unchecked) var counters = WorkerCounters()
    var date = HTTPDate()
    /// What connections make this loop hold, and what of it the other workers were told.
    @safe @exclusivity(unchecked) var inbound = InboundLedger()
    @safe @exclusivity(unchecked) var accountedInboundBytes = 0
    /// Connections that wait until a channel is confirmed.
    var waiting: [ByteName: [StreamKey]] = [:]
    /// By slot, and only where there are limits: what a connection gives back when it ends.
    var tickets: [UInt32: Admission.Ticket] = [:]
    var countedAddresses: [UInt32: AddressGroup] = [:]
    /// By slot, and only behind proxies that tell it with the PROXY protocol.
    var proxiedAddresses: [UInt32: IPAddress] = [:]
    /// By slot, as far as it was needed.
    @safe @exclusivity(unchecked) var rates: ContiguousArray<MessageRate> = []
    /// The slot at which the last search for idle connections ended.
    var idleHand = 0
    var drainSchedule: DrainSchedule?
    var hasReportedDrained = false
    /// Only of the worker that `NodeMessage.worker` names.
    var node: (any NodeMessageHandler)?
    /// Where this worker publishes and subscribes.
    private(set) lazy var broker: any Broker =
        state.broker.isEmbedded
        ? EmbeddedBroker { [unowned self] in broadcast($0) }
        : BrokerProxy { [unowned self] in tellNode($0) }
    var isEndingTurn = false
    /// Sessions by descriptor; empty without TLS, so that a plain one costs a comparison.
    @safe @exclusivity(unchecked) var secured: ContiguousArray<SecureStream?> = []
    /// What the sessions encrypt; made with the first of them.
    var output: TLSOutput?
    @safe @exclusivity(unchecked) var preparedLinks: [PreparedLinkWrite] = []
    /// Encrypted bytes that wait for the kernel, of all connections.
    var unsentBytes = 0
    /// Connections that had their share of a turn and have more input, first come, first served.
    var waitingForTurn = Deque<StreamKey>()
    /// Messages and requests of all clients.
    @safe @exclusivity(unchecked) var servedThisTurn = 0
    var waitingHandshakes = Deque<StreamKey>()
    var pausedForRate = Deque<StreamKey>()
    var handshakesThisTurn = 0
    private var pacer: FlushPacer
    private var pacingTimer: FineTimer?
    private var nextGeneration: UInt32 = 0
    private var handles: [Handle] = []
    /// What this worker has told the others to be queued here.
    private var accountedBytes = 0
    private var lastTickNanoseconds = Loop.monotonicNanoseconds

    /// Makes the worker and its loop; nothing runs yet.
    init(index: Int, state: ServerState) throws(SystemError) {
        let configuration = state.configuration
        self.index = index
        self.state = state
        sender = try configuration.io.sender(logger: state.logger, explains: index == NodeMessage.worker)
        state.boards.noteSender(sender, of: index)
        pacer = FlushPacer(configuration.pacing)
        loop = try Loop()
        hub = Hub(
            outboxLimitBytes: configuration.outboxLimitBytes, policies: configuration.slowConsumers,
            encoders: ClientProtocols.encoders)
        requestLimits = RequestParser.Limits(bodyBytes: configuration.maxPublishBytes)
        messageLimits = ConnectionMachine.Limits(
            maxMessageBytes: configuration.maxMessageBytes,
            maxFragments: Worker.maxFragments(forMessage: configuration.maxMessageBytes))
        timeouts = Timeouts(configuration)
        pathPrefix = configuration.pathPrefix
        let keepAliveSeconds = Int(configuration.keepAlive.components.seconds)
        keepAliveLines = keepAliveSeconds > 0 ? Response.keepAliveLines(seconds: keepAliveSeconds) : []
        hub.attach(self)
    }

    /// A message in more frames than this is a flood (RFC 6455 section 10.4): of the largest, a frame for 32 bytes.
    private static func maxFragments(forMessage bytes: Int) -> Int { max(1024, bytes / 32) }

    /// Opens what the loop needs.
    func open() throws(SystemError) {
        streams = try StreamSet(on: loop, delegate: self)
        let pacingTimer = try FineTimer(on: loop)
        pacingTimer.onEvent {}  // a turn ends by it, and that is all
        self.pacingTimer = pacingTimer
        let ticker = try Timer(on: loop)
        ticker.onEvent { [unowned self] in tick() }
        let milliseconds = DeadlineWheel.tickMilliseconds
        ticker.start(afterMilliseconds: milliseconds, everyMilliseconds: milliseconds)
        keep(ticker)
        try state.inboxes[index].open(on: loop) {}
    }

    /// Runs until the server ends.
    func run() throws(SystemError) {
        // Of several hooks libuv runs the one that was started last first: the broker's, which sends what a turn has
        // asked for, must come after this one.
        let hook = try BeforeSleepHook(on: loop)
        hook.onEvent { [unowned self] in endTurn() }
        keep(hook)
        loop.run()
    }

    /// Closes everything; the loop proves that no handle is left.
    func close() {
        for connection in connections { if let connection { close(connection) } }
        for message in state.inboxes[index].takeAll() {
            if case .adopt(let stream, _, _) = message { Socket.close(stream.descriptor) }
        }
        state.inboxes[index].close()
        streams?.close()
        for handle in handles { handle.close() }
        pacingTimer?.close()
        loop.close()
    }

    /// Closes a handle with the worker.
    func keep(_ handle: Handle) {
        handles.append(handle)
    }

    /// Sends a message to a worker, this one included.
    ///
    /// - Returns: false if that worker has ended.
    @discardableResult
    func post(_ message: WorkerMessage, to worker: Int) -> Bool {
        // An own message is found by endTurn, unless that has looked already.
        state.inboxes[worker].post(message, waking: worker != index || isEndingTurn)
    }

    func tellNode(_ message: NodeMessage) {
        post(.node(message), to: NodeMessage.worker)
    }

    /// Takes over a client, with TLS if there is a context.
    func adopt(_ stream: AcceptedStream, _ peer: Peer, _ context: TLSContext?) {
        let slot = hub.add(link: stream.descriptor)
        nextGeneration &+= 1
        let connection = Connection(
            descriptor: stream.descriptor, peer, StreamKey(slot: slot, generation: nextGeneration),
            ConnectionLife(isProxied: peer.contains(.proxied), at: wheel.currentTick, timeouts),
            RequestReader(limits: requestLimits))
        let counted = peer.contains(.proxied) ? nil : countedAddress(stream.peer.ip, peer)
        do throws(SystemError) {
            try streams?.add(stream.descriptor, key: connection.key, interest: .readable)
        } catch {
            state.logger.warning("client refused", metadata: ["error": "\(error)"])
            hub.remove(slot)
            Socket.close(stream.descriptor)
            state.boards.countStream(-1, on: index)
            if let counted { state.sockets.withLock { $0.remove(counted) } }
            return
        }
        countedAddresses[slot] = counted
        while connections.count <= Int(slot) { connections.append(nil) }
        connections[Int(slot)] = connection
        if let context, !secure(connection, with: context) { return close(connection) }
        followDeadline(connection)
        if context != nil { noteHeld(connection) }
        guard connection.phase != .closed else { return }
        read(connection)
        if connection.isSilent, secureStream(connection.descriptor)?.hasBegun != true {
            tell(.deferred(ticks: UInt32(stream.deferralMilliseconds / DeadlineWheel.tickMilliseconds)), connection)
        }
    }

    /// The connection of a key, unless it has ended.
    func connection(_ key: StreamKey) -> Connection? {
        guard Int(key.slot) < connections.count, let connection = connections[Int(key.slot)],
            connection.generation == key.generation
        else { return nil }
        return connection
    }

    private func endTurn() {
        isEndingTurn = true
        for message in state.inboxes[index].takeAll() { handle(message) }
        continueHandshakes()
        servedThisTurn = 0
        settleInbound()
        layOpenCounters()
        flush()
        settleAccounts()
        actOnHubEvents()
        layOpenCounters()
        isEndingTurn = false
    }

    private func flush() {
        let start = Loop.monotonicNanoseconds
        hub.flush(holdingBusy: pacer.isResting(at: start))
        if hub.busyChannelsFlushed > 0 { pacer.flushed(from: start, to: Loop.monotonicNanoseconds) }
        if hub.holdsChannels { pacingTimer?.start(atNanoseconds: pacer.restEndNanoseconds) }
    }

    private func handle(_ message: WorkerMessage) {
        switch message {
        case .node(let message): node?.handle(message)
        case .deliver(let message): hub.deliver(message)
        case .adopt(let stream, let peer, let context): adopt(stream, peer, context)
        case .wakeUp: break
        case .settled(let channel): confirm(channel)
        case .gap(let channel, let milliseconds):
            hub.tell(.gap(seconds: Double(milliseconds) / 1000), of: channel)
        case .published(let key, let outcome): published(key, outcome)
        case .goOn: goOn()
        case .closeIdle: closeIdle()
        case .drain: beginDrain()
        case .stop: loop.stop()
        }
    }

    /// Adds up what the flush did and sheds queues while the server is over its budget.
    private func settleAccounts() {
        counters.add(hub.takeCounts())
        let receipts = hub.takeReceipts()
        if !receipts.isEmpty {
            let now = Loop.monotonicNanoseconds
            for receipt in receipts { counters.publishToWrite.observe(seconds: Double(now - receipt) / 1e9) }
        }
        shedOverBudget()
    }

    private func layOpenCounters() {
        counters.outboxBytes = hub.queuedBytes + unsentBytes
        counters.inboundBytes = accountedInboundBytes
        counters.outboxBytesMax = max(counters.outboxBytesMax, counters.outboxBytes)
        state.boards.publish(counters, of: index)
    }

    private func shedOverBudget() {
        guard hub.queuedBytes + unsentBytes > 0 || accountedBytes > 0 else { return }
        let budget = state.configuration.outboxBudgetBytes
        let share = budget / state.workers
        let held = unsentBytes + hub.heldBytes
        let excess = account(held) - budget
        // A worker within its share of the budget sheds nothing for one that is not.
        guard excess > 0, held > share else { return }
        // Somewhat more than is needed: to find the largest costs a walk, which must not be needed in each turn.
        hub.shed(bytes: min(excess, held - share) + budget / Worker.shedPart)
        noteShed(now: Loop.monotonicNanoseconds)
        counters.add(hub.takeCounts())
        _ = account(hub.heldBytes + unsentBytes)
    }

    private static let shedPart = 16

    /// One line a second at most, and publishers are told for a while.
    private func noteShed(now: UInt64) {
        guard state.bytes.noteShed(atNanoseconds: now) else { return }
        state.logger.warning("over budget: the slowest clients are closed (--outbox-budget)")
    }

    /// Tells the other workers how many bytes are held here; returns how many all hold.
    private func account(_ held: Int) -> Int {
        let change = held - accountedBytes
        accountedBytes = held
        return state.bytes.countOutbound(change)
    }

    private func tick() {
        state.boards.beat(index)
        observeLag()
        date.refresh()
        for slot in wheel.advance() { deadlineReached(slot) }
        endPausesForRate()
        node?.tick()
    }

    /// How much later than asked for the ticker fired is how long the loop was busy.
    private func observeLag() {
        let now = Loop.monotonicNanoseconds
        let late = Int64(now - lastTickNanoseconds) - Int64(DeadlineWheel.tickMilliseconds) * 1_000_000
        counters.loopLag.observe(seconds: Double(max(late, 0)) / 1e9)
        lastTickNanoseconds = now
    }
}
