internal import Access
internal import Broker
internal import Channels
internal import Logging
internal import Protocols
internal import WSLoop

/// The shared parts of one loop: the server's state, the hub, the clock, the counters and the access to other loops.
///
/// Confined to its loop's thread.
final class LoopContext {
    let index: Int
    let state: ServerState
    let loop: Loop
    let hub: Hub
    /// The settings that this loop goes by; replaced between two requests only.
    // Unchecked (docs/decisions/0009): read for each request and message.
    @safe @exclusivity(unchecked) var settings: LiveSettings
    // Unchecked (docs/decisions/0009): touched for each event of a socket.
    @safe @exclusivity(unchecked) var wheel = DeadlineWheel()
    @safe @exclusivity(unchecked) var counters = WorkerCounters()
    /// Tells the node what happens to connections; nil if nobody wants to know it.
    var events: EventNotes?
    /// Knows where connections are members of channels; nil before there are any.
    var presence: LoopPresence?
    /// Nil while nobody traces anything.
    var tracer: Tracer?
    /// From the moment that the turn's end has looked into the inbox.
    var isEndingTurn = false

    init(index: Int, state: ServerState) throws(SystemError) {
        self.index = index
        self.state = state
        loop = try Loop()
        settings = state.settings
        hub = Hub(
            outboxLimitBytes: settings.configuration.outboxLimitBytes, policies: settings.policies,
            encoders: ClientProtocols.encoders)
    }

    var tick: UInt32 { wheel.currentTick }
    var inbox: Inbox<WorkerMessage> { state.inboxes[index] }

    /// The public name of a connection of this loop.
    func id(of connection: Connection) -> ConnectionID {
        ConnectionID(node: state.nodeID, loop: index, connection.key)
    }

    /// Sends a message to a worker, including this one.
    ///
    /// - Returns: false if that worker has ended.
    @discardableResult
    func post(_ message: WorkerMessage, to worker: Int) -> Bool {
        // The turn's end finds a message to the own loop, unless it has looked already.
        state.inboxes[worker].post(message, waking: worker != index || isEndingTurn)
    }

    /// Sends a message to this loop, for its next turn or the end of this one.
    func post(_ message: WorkerMessage) {
        post(message, to: index)
    }

    func tellNode(_ message: NodeMessage) {
        post(.node(message), to: NodeMessage.worker)
    }

    /// Hands a message to all loops with subscribers, in the same order for all.
    ///
    /// - Returns: how many subscriptions in this process it belongs to, or why it was not taken.
    func broadcast(_ publication: Publication) -> PublishOutcome {
        let now = Loop.monotonicNanoseconds
        let limits = settings.access.channels.history(of: publication.channel)
        if let part = GrowingPart(publication.piece) { return append(publication, part, keeping: limits, at: now) }
        let count = limits.map { deliver(publication, keeping: $0, at: now) } ?? deliver(publication, at: now)
        return .success(Published(subscribers: count))
    }

    /// Hands a piece of a growing message to all loops with subscribers.
    private func append(
        _ publication: Publication, _ part: GrowingPart, keeping limits: HistoryLimits?, at now: UInt64
    ) -> PublishOutcome {
        state.directory.publish(
            part, bytes: publication.payload.count, to: publication.channel, keeping: limits, at: now
        ) {
            message(publication, at: $0, part, receivedNanoseconds: now)
        } post: { message, loop in
            post(.deliver(message), to: loop)
        }
        .map { Published(subscribers: $0) }.mapError { BrokerFailure($0.message, isTooLarge: true) }
    }

    /// Numbers and keeps a message, and hands it to all loops with subscribers.
    private func deliver(_ publication: Publication, keeping limits: HistoryLimits, at now: UInt64) -> Int {
        state.directory.publish(to: publication.channel, keeping: limits, at: now) {
            message(publication, at: $0, receivedNanoseconds: now)
        } post: { message, loop in
            post(.deliver(message), to: loop)
        }
    }

    /// Hands a message without a number to all loops with subscribers.
    @discardableResult
    func deliver(_ publication: Publication, at nowNanoseconds: UInt64) -> Int {
        let message = message(publication, receivedNanoseconds: nowNanoseconds)
        return state.directory.publish(message) { post(.deliver(message), to: $0) }
    }

    /// Keeps a message that the broker has numbered, and hands it to all loops with subscribers.
    func deliver(_ numbered: StreamMessage, keeping limits: HistoryLimits, at nowNanoseconds: UInt64) {
        let age = numbered.ageMilliseconds * 1_000_000
        let position = StreamPosition(numbered.place)
        let message = message(
            numbered.publication, at: position, GrowingPart(numbered.publication.piece),
            receivedNanoseconds: nowNanoseconds - min(age, nowNanoseconds))
        state.directory.publish(
            message, at: position, keeping: limits, isPast: numbered.arrival == .past, at: nowNanoseconds
        ) { post(.deliver(message), to: $0) }
    }

    /// The connection of this node that does not get a message: its publisher says so, or the payload does.
    private func excluded(by publication: Publication) -> PublishTicket? {
        if let id = publication.excluded.flatMap({ ConnectionID($0) }) {
            return id.node == state.nodeID ? PublishTicket(worker: id.loop, id.key) : nil
        }
        guard !settings.configuration.pusherApps.isEmpty,
            let socket = PusherEvent.excluded(by: publication.payload), socket.node == state.nodeID
        else { return nil }
        return PublishTicket(loop: Int(socket.loop), slot: socket.slot, generation: socket.generation)
    }

    /// Hands a message that the broker has numbered to all loops with subscribers, and keeps nothing.
    func pass(_ numbered: StreamMessage, at nowNanoseconds: UInt64) {
        let message = message(
            numbered.publication, at: StreamPosition(numbered.place), GrowingPart(numbered.publication.piece),
            receivedNanoseconds: nowNanoseconds)
        _ = state.directory.publish(message) { post(.deliver(message), to: $0) }
    }

    private func message(
        _ publication: Publication, at position: StreamPosition? = nil, _ part: GrowingPart? = nil,
        receivedNanoseconds: UInt64
    ) -> Message {
        Message(
            channel: publication.channel, payload: publication.payload, key: publication.key, position: position,
            part: part,
            excluded: excluded(by: publication).map { (loop: $0.loop, slot: $0.slot, generation: $0.generation) },
            intervalNanoseconds: settings.access.channels.intervalNanoseconds(of: publication.channel),
            receivedNanoseconds: receivedNanoseconds)
    }

    /// What a connection that joins a channel has to read; nil if there is nothing.
    ///
    /// - Parameter request: what it wants of the history; nil for nothing.
    func lookup(of channel: String, _ request: HistoryRequest?) -> HistoryLookup? {
        let limits = request == nil ? nil : settings.access.channels.history(of: channel)
        guard limits != nil || state.directory.hasGrowing(channel) else { return nil }
        return HistoryLookup(of: channel, limits, request ?? HistoryRequest())
    }

    /// Reads histories for a connection, which gets them in a message to this loop.
    func readHistories(_ lookups: [HistoryLookup], for connection: Connection) {
        state.directory.read(lookups, at: Loop.monotonicNanoseconds) { post(.read(connection.key, $0)) }
    }

    /// Adds the counts of the flush.
    func countFlush() {
        counters.add(hub.takeCounts())
        let receivedNanoseconds = hub.takeReceivedNanoseconds()
        guard !receivedNanoseconds.isEmpty else { return }
        let now = Loop.monotonicNanoseconds
        for received in receivedNanoseconds {
            counters.publishToWrite.observe(seconds: Double(now - received) / 1e9)
        }
    }

    /// Lets the other loops see what was counted: before the turn's bytes go out, and after them.
    ///
    /// - Parameter held: bytes held for clients that the hub does not know of.
    func publishCounters(_ held: (inbound: Int, encrypted: Int)) {
        counters.outboxBytes = hub.queuedBytes + held.encrypted
        counters.outboxBytesMax = max(counters.outboxBytesMax, counters.outboxBytes)
        counters.inboundBytes = held.inbound
        state.boards.publish(counters, of: index)
    }

    /// Counts that a limit was reached.
    ///
    /// - Returns: whether it is enforced.
    func isStopped(by name: LimitName) -> Bool {
        counters.limitHits[name.rawValue] += 1
        return settings.limit(name)?.isEnforced ?? true
    }

    /// Counts a subscription that was to recover messages.
    func count(recovery isRecovered: Bool) {
        counters.recoveries[(isRecovered ? RecoveryResult.recovered : .failed).rawValue] += 1
    }

    /// Logs one line per second at `notice`, and the others at `debug`.
    func log(
        _ message: Logger.Message, limitedBy lines: borrowing LineLimit,
        _ metadata: @autoclosure () -> Logger.Metadata
    ) {
        let isFirst = lines.admitsLine(atNanoseconds: Loop.monotonicNanoseconds)
        state.logger.log(level: isFirst ? .notice : .debug, message, metadata: metadata())
    }
}

extension StreamPosition {
    init(_ place: StreamPlace) {
        self.init(epoch: place.epoch, offset: place.offset)
    }
}

extension GrowingPart {
    /// Nil for an ordinary message.
    fileprivate init?(_ piece: Publication.Piece?) {
        guard let piece else { return nil }
        self.init(of: piece.name, piece.isLast ? .last : .piece, from: piece.start)
    }
}
