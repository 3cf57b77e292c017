internal import Access
internal import Broker
internal import Bytes
internal import DequeModule
internal import Logging
internal import WSLoop

/// Tells the other nodes of this node's orders, and has the loops carry out theirs.
///
/// Revocations are also kept in the broker, for nodes that are away or start later. While the broker is away they wait
/// here, and when it is back this node reads those of the others.
final class OrderLink {
    /// More are refused; they are small, and an admin who revokes so many during an outage should know.
    private static let maxWaiting = 10_000
    /// The most that are sent in one tick, after an outage.
    private static let sentPerTick = 500
    /// A broker that keeps no records is not asked for ever.
    private static let maxAttempts = 3
    /// How long to wait after an attempt to read the records that failed; twice as long after each further one.
    ///
    /// A broker that refuses to answer is asked once a minute, so that an idle connection counts as idle there.
    private static let readingPauseTicks: ClosedRange<UInt32> = 2...240

    private struct Waiting {
        let revocation: Revocation
        var attempts = 0
    }

    private let context: LoopContext
    private let state: ServerState
    private let broker: BrokerLink
    private var waiting = Deque<Waiting>()
    /// When to read the records of other nodes; nil while they are read, and after that.
    private var readingTick: UInt32?
    private var readingPause = OrderLink.readingPauseTicks.lowerBound

    init(_ context: LoopContext, _ broker: BrokerLink) {
        self.context = context
        self.broker = broker
        state = context.state
        broker.attach(self)
    }

    /// Tells the other nodes; the call of the ticket gets that part of its answer.
    func tell(_ order: Order, _ ticket: CallTicket?) {
        if case .revoke(let revocation) = order {
            return revoke(Waiting(revocation: revocation)) { [self] in answer($0, ticket) }
        }
        send(order) { [self] failure in
            answer(failure.map { .failed(reason: $0.description) } ?? .told, ticket)
        }
    }

    /// Tries again what had to wait.
    func tick() {
        if let due = readingTick, due <= context.tick { readRecords() }
        guard !waiting.isEmpty, state.brokerStatus?.state == .connected else { return }
        for _ in 0..<min(waiting.count, OrderLink.sentPerTick) {
            guard let next = waiting.popFirst() else { break }
            revoke(next) { _ in }
        }
    }

    private func answer(_ telling: Telling, _ ticket: CallTicket?) {
        guard let ticket else { return }
        var listing = Listing()
        listing.telling = telling
        context.post(.answered(ticket.number, listing), to: ticket.loop)
    }

    private func send(_ order: Order, completion: @escaping (BrokerFailure?) -> Void) {
        guard let exchange = broker.exchange else { return completion(nil) }
        exchange.tellNodes(NodeOrder(from: state.nodeID, order).text, completion: completion)
    }

    private func postToAll(_ call: Call) {
        for index in state.inboxes.indices { context.post(.call(call, nil), to: index) }
    }
}

// MARK: - Revocations

extension OrderLink {
    /// Keeps a revocation in the broker, and only then tells the others: so a node that does not hear of it finds it.
    ///
    /// - Parameter told: is called once.
    private func revoke(_ item: Waiting, told: @escaping (Telling) -> Void) {
        guard let exchange = broker.exchange else { return told(.told) }
        exchange.keep(item.revocation.json, until: item.revocation.end) { [weak self] notKept in
            guard let self else { return }
            if let notKept { told(wait(item, notKept)) }
            send(.revoke(item.revocation)) { [weak self] notTold in
                guard let self, notKept == nil else { return }
                told(notTold.map { wait(item, $0) } ?? .told)
            }
        }
    }

    /// Notes a revocation for later.
    private func wait(_ item: Waiting, _ failure: BrokerFailure) -> Telling {
        var item = item
        if state.brokerStatus?.state == .connected { item.attempts += 1 }
        guard item.attempts < OrderLink.maxAttempts, waiting.count < OrderLink.maxWaiting else {
            state.logger.error("a revocation was not kept", metadata: ["reason": "\(failure)"])
            return .failed(reason: failure.description)
        }
        waiting.append(item)
        return .queued(reason: failure.description)
    }

    /// Reads what other nodes have revoked, and ends the connections whose tokens that concerns.
    private func readRecords() {
        guard let exchange = broker.exchange else { return }
        readingTick = nil
        var isComplete = true
        exchange.readRecords { [state] record in
            guard let revocation = Revocation(parsing: record) else { return }
            if !state.revoked.add(revocation) { isComplete = false }
        } completion: { [weak self] failure in
            guard let self else { return }
            guard failure == nil else {
                readingTick = context.tick + readingPause
                readingPause = min(readingPause * 2, OrderLink.readingPauseTicks.upperBound)
                return
            }
            if !isComplete { state.logger.error("there are more revocations than a node can hold") }
            if state.revoked.count > 0 { postToAll(.endRevoked) }
        }
    }
}

// MARK: - Other nodes

extension OrderLink: NodeListener {
    func heard(_ text: [UInt8]) {
        guard let heard = NodeOrder(parsing: text) else {
            return state.logger.debug("an order of another node is not known here")
        }
        guard heard.node != state.nodeID || heard.order.comesBack else { return }
        if case .revoke(let revocation) = heard.order, !state.revoked.add(revocation) {
            state.logger.error("there are more revocations than a node can hold")
        }
        guard !isRepeat(heard.order) else { return }
        if heard.order.comesBack { context.counters.messagesIn[MessageSource.broker.rawValue] += 1 }
        postToAll(.order(heard.order))
    }

    /// All nodes hear messages to users in the same order, so each can drop the repeats itself.
    private func isRepeat(_ order: Order) -> Bool {
        guard case .publish(let user, _, let id?) = order else { return false }
        let key = RecentPublishes.Key(target: ByteName(user), isUser: true, id: ByteName(id))
        return state.heardPublishes.begin(key) != .new
    }

    func joined() {
        readingTick = context.tick
        readingPause = OrderLink.readingPauseTicks.lowerBound
    }
}

@available(*, unavailable)
extension OrderLink: Sendable {}
