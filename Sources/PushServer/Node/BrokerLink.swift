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
    /// Gets what the nodes tell each other.
    private weak var nodes: (any NodeListener)?
    /// Gets what they tell of their members.
    private weak var presence: (any NodeListener)?

    init(_ context: LoopContext) {
        self.context = context
        state = context.state
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

    func refreshStatus() {
        if let broker { state.brokerStatus = broker.status }
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

extension BrokerLink: BrokerDelegate {
    func brokerReceived(_ publication: Publication) {
        context.counters.messagesIn[MessageSource.broker.rawValue] += 1
        context.broadcast(publication)
    }

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
