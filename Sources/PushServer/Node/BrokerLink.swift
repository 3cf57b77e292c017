internal import Access
internal import Broker
internal import Channels
internal import Logging
internal import WSLoop

/// Gets what the nodes of a broker tell each other; called on the node's loop.
protocol NodeListener: AnyObject {
    /// A node, possibly this one, has told all nodes something.
    func heard(_ text: [UInt8])
    /// What nodes tell arrives from now on; something may have been missed before.
    func joined()
}

/// The node's connection to a remote broker: forwards the workers' requests, and passes the broker's events to them.
final class BrokerLink {
    private let context: LoopContext
    private let state: ServerState
    private var broker: (any RemoteBroker)?
    /// Those that the broker knows the rules of.
    private var settings: LiveSettings
    /// Gets what the nodes tell each other.
    private weak var nodes: (any NodeListener)?
    /// Gets what they tell of their members.
    private weak var presence: (any NodeListener)?

    init(_ context: LoopContext) {
        self.context = context
        state = context.state
        settings = context.settings
    }

    /// Starts to connect; does nothing for the embedded broker.
    func open() throws(SystemError) {
        guard let connect = state.broker.connect else { return }
        let broker = try connect(context.loop, state.configuration.maxPublishBytes, self)
        self.broker = broker
        broker.joinNodes()
        refreshStatus()
    }

    /// Sets who gets what the nodes tell each other.
    func attach(_ nodes: any NodeListener) {
        self.nodes = nodes
    }

    /// Sets who gets what the nodes tell of their members.
    func attach(presence: any NodeListener) {
        self.presence = presence
    }

    /// How nodes tell each other something; nil for the embedded broker.
    var exchange: (any NodeExchange)? { broker }

    func close() {
        broker?.stop()
        broker = nil
    }

    /// Notes the broker's status, and tells it of rules that a reload has changed.
    func refreshStatus() {
        guard let broker else { return }
        state.brokerStatus = broker.status
        guard settings !== context.settings else { return }
        settings = context.settings
        broker.streamRulesChanged()
    }

    /// A channel has got its first or lost its last subscriber: the directory knows whether it has any now.
    func interestChanged(in channel: String) {
        guard let broker else { return }
        if !state.directory.isWanted(channel) {
            broker.unsubscribe(channel)
        } else if broker.subscribe(channel) {
            brokerSettled(channel, isConfirmed: true)
        }
    }

    /// Publishes for a connection of any worker.
    func publish(_ publication: Publication, for ticket: PublishTicket) {
        guard let outcome = broker?.publish(publication, for: ticket) else { return }
        brokerPublished(outcome, for: ticket)
    }

    /// Drops the messages of a channel's history, for a connection of any worker.
    func clearHistory(of channel: String, for ticket: PublishTicket) {
        broker?.clearHistory(of: channel, for: ticket)
    }

    /// Reports to the broker's census.
    func report(
        _ report: CensusReport, completion: @escaping (Result<CensusAnswer, BrokerFailure>) -> Void
    ) {
        guard let broker else { return completion(.failure(BrokerFailure("there is no broker"))) }
        broker.report(report, completion: completion)
    }

    private func postToAll(_ message: WorkerMessage) {
        for index in state.inboxes.indices { context.post(message, to: index) }
    }
}

extension StreamLimits {
    fileprivate init(_ limits: HistoryLimits) {
        self.init(maxMessages: limits.maxMessages, maxAgeSeconds: limits.maxAgeSeconds)
    }
}

extension BrokerLink: BrokerDelegate {
    func brokerReceived(_ publication: Publication) {
        context.counters.messagesIn[MessageSource.broker.rawValue] += 1
        context.deliver(publication, at: Loop.monotonicNanoseconds)
    }

    func brokerReceived(_ message: StreamMessage) {
        guard let limits = rules.history(of: message.publication.channel) else {
            return brokerReceived(message.publication)
        }
        guard message.arrival != .passing else {
            context.counters.messagesIn[MessageSource.broker.rawValue] += 1
            return context.pass(message, at: Loop.monotonicNanoseconds)
        }
        if message.arrival != .past { context.counters.messagesIn[MessageSource.broker.rawValue] += 1 }
        if message.arrival == .healed { context.counters.healedMessages += 1 }
        context.deliver(message, keeping: limits, at: Loop.monotonicNanoseconds)
    }

    func brokerRestarted(_ channel: String, at place: StreamPlace, isLoss: Bool) {
        guard let limits = rules.history(of: channel) else { return }
        let position = StreamPosition(place)
        state.directory.restartHistory(
            of: channel, at: position, keeping: limits, at: Loop.monotonicNanoseconds)
        guard isLoss else { return }
        context.counters.historyLosses += 1
        postToAll(.lost(channel: channel, next: position))
        context.log(
            "messages of a history are gone", limitedBy: state.logLimits.losses, ["channel": "\(channel)"])
    }

    func brokerHasGrowing(_ texts: [GrowingText], in channel: String) {
        let now = Loop.monotonicNanoseconds
        let messages = texts.map {
            Message(
                channel: channel, payload: $0.payload, position: StreamPosition($0.place),
                part: GrowingPart(of: $0.name, .whole), receivedNanoseconds: now)
        }
        state.directory.setGrowing(messages, in: channel)
    }

    func brokerCleared(_ channel: String) { state.directory.clearHistory(of: channel) }

    func brokerRefusedHistories(_ reason: String) {
        state.logger.warning("histories cannot be read", metadata: ["reason": "\(reason)"])
    }

    func streamLimits(of channel: String) -> StreamLimits? {
        rules.history(of: channel).map(StreamLimits.init)
    }

    var streamRules: [StreamRule] {
        guard rules.keepHistories else { return [] }
        return context.settings.configuration.allChannelRules.map {
            StreamRule(pattern: $0.pattern.text, limits: $0.history.map(StreamLimits.init))
        }
    }

    private var rules: ChannelRules { context.settings.access.channels }

    func brokerPublished(_ outcome: PublishOutcome, for ticket: PublishTicket) {
        context.post(.published(ticket, outcome), to: ticket.loop)
    }

    func brokerSettled(_ channel: String, isConfirmed: Bool) {
        if isConfirmed { state.directory.markReady(channel) }
        postToAll(.ready(channel: channel))
    }

    func brokerLeftGap(in channel: String, milliseconds: UInt64) {
        postToAll(.gap(channel: channel, milliseconds: milliseconds))
    }

    func brokerLostSubscriptions() {
        state.directory.markNothingReady()
    }

    func brokerStatusChanged(_ status: BrokerStatus) {
        state.brokerStatus = status
        var metadata: Logger.Metadata = [:]
        if let reason = status.reason { metadata["reason"] = "\(reason)" }
        if let milliseconds = status.retryMilliseconds { metadata["retry"] = "within \(milliseconds) ms" }
        let addition = status.isUsable || status.state != .connected ? "" : " but not usable"
        state.logger.log(
            level: status.isUsable ? .notice : .warning,
            "\(state.broker.traits.label) \(status.state.rawValue)\(addition)", metadata: metadata)
    }

    func brokerIgnored(_ name: String) {
        let broker = state.broker.traits.name
        state.logger.warning(
            "messages of \(broker) channels that cannot be channels here are ignored", metadata: ["first": "\(name)"])
    }

    func brokerLeftOutMessage() {
        context.counters.droppedOversized += 1
    }

    func brokerHeard(_ text: [UInt8]) {
        if text.starts(with: GossipText.word.utf8) { presence?.heard(text) } else { nodes?.heard(text) }
    }

    func brokerJoinedNodes() {
        nodes?.joined()
        presence?.joined()
    }

    func brokerRefusedNodes(_ reason: String) {
        state.logger.warning(
            "orders and revocations of other nodes do not reach this one", metadata: ["reason": "\(reason)"])
    }
}
