internal import Broker
internal import Channels
internal import Hooks
internal import Logging
internal import WSLoop

/// The node's connection to the backend that is told what happens (`--hook-events`).
///
/// Without a remote broker this node alone decides what is first and last; with one, the broker's census does.
final class EventLink {
    /// How long a server that stops waits until its events are taken.
    private static let lastMilliseconds: UInt64 = 5000

    private let context: LoopContext
    private let state: ServerState
    private let broker: BrokerLink
    private var kinds: Set<EventKind> = []
    private var sender: EventSender?
    private let webhooks: PusherWebhooks
    private var attendance = Attendance<Occupant>()
    private var grace: UInt64 = 0
    private var ledger: CensusLedger?
    private var censusProblem: String?
    private var lastOrder = 0
    /// What to do when the events are taken, and until when to wait for that.
    private var ending: (deadline: UInt64, then: () -> Void)?

    /// - Parameter broker: keeps the census.
    init(_ context: LoopContext, _ broker: BrokerLink) {
        self.context = context
        self.broker = broker
        state = context.state
        webhooks = PusherWebhooks(context)
    }

    /// Sends as the settings of now say.
    func update(_ fetcher: HTTPFetcher) {
        guard isOn else {
            if state.configuration.hasWebhooks { state.logger.warning("the first webhook needs a restart") }
            return
        }
        let hooks = state.configuration.hooks
        grace = UInt64(hooks.grace / .milliseconds(1))
        attendance.shorten(to: grace, at: now)
        webhooks.update(fetcher)
        if let url = hooks.eventsURL { tellBackend(at: url, hooks, fetcher) }
        if ledger == nil, !state.broker.isEmbedded { ledger = CensusLedger(node: node) }
        refreshStatus()
    }

    private func tellBackend(at url: String, _ hooks: HookConfiguration, _ fetcher: HTTPFetcher) {
        kinds = hooks.eventKinds
        let envelope = EventEnvelope.pushd(hooks.signer)
        if let sender { return sender.send(to: url, envelope) }
        sender = EventSender(url, envelope, node: node, fetcher, on: context.loop) { [state] in
            state.noteHook("events", $0)
        }
    }

    private var node: String { ConnectionID.nodeName(state.nodeID) }

    /// Whether loops tell what happens; only a restart changes that.
    private var isOn: Bool { context.events != nil }

    func close() {
        sender = nil
        webhooks.close()
        ledger = nil
    }

    /// Takes what a worker tells.
    func take(_ note: EventNote) {
        switch note {
        case .event(let event): sender?.add(event)
        case .webhook(let event): webhooks.tell(event)
        case .entered(let occupants):
            for occupant in occupants where attendance.enter(occupant) { arrived(occupant) }
        case .exited(let occupants):
            for occupant in occupants { attendance.exit(occupant, at: now, grace: grace) }
        }
        report()
    }

    func tick() {
        guard isOn else { return }
        for occupant in attendance.takeGone(at: now) { departed(occupant) }
        report()
        sender?.tick()
        webhooks.tick()
        let status = refreshStatus()
        if let ending, status.queued == 0 || now >= ending.deadline {
            self.ending = nil
            ending.then()
        }
    }

    /// The last connection has ended: sends what is there, for a limited time.
    ///
    /// If this is the only node, no subscriber is left; otherwise clients may come back to another one in time.
    func finish(then completion: @escaping () -> Void) {
        guard isOn else { return completion() }
        if ledger == nil { for occupant in attendance.takeGone(at: .max) { departed(occupant) } }
        ending = (deadline: now + EventLink.lastMilliseconds, then: completion)
        tick()
    }

    private var now: UInt64 { context.loop.nowMilliseconds }

    private func arrived(_ occupant: Occupant) {
        if ledger != nil { ledger?.arrive(occupant) } else { decide(occupant, isArrival: true) }
    }

    private func departed(_ occupant: Occupant) {
        if ledger != nil { ledger?.depart(occupant) } else { decide(occupant, isArrival: false) }
    }

    /// This node alone decides; the order continues after a restart.
    private func decide(_ occupant: Occupant, isArrival: Bool) {
        lastOrder = max(lastOrder + 1, Int(Loop.unixTimeSeconds * 1000))
        tell(CensusLedger.Decision(occupant: occupant, isArrival: isArrival, order: lastOrder))
    }

    private func tell(_ decision: CensusLedger.Decision) {
        webhooks.tell(decision)
        let occupant = decision.occupant
        let kind = occupant.event(isArrival: decision.isArrival)
        guard kinds.contains(kind) else { return }
        var members = [(name: "channel", value: occupant.channel)]
        if let user = occupant.user { members.append((name: "user", value: user)) }
        sender?.add(Event(kind, at: Int(Loop.unixTimeSeconds * 1000), members, order: decision.order))
    }

    @discardableResult
    private func refreshStatus() -> EventStatus {
        var status = sender?.status ?? EventStatus()
        webhooks.add(to: &status)
        state.eventStatus = status
        return status
    }
}

// MARK: - The census

extension EventLink {
    private func report() {
        guard let report = ledger?.beginReport(at: now) else { return }
        broker.report(report) { [weak self] in self?.answered($0) }
    }

    private func answered(_ result: Result<CensusAnswer, BrokerFailure>) {
        switch result {
        case .success(let answer):
            noteCensus(nil)
            for decision in ledger?.take(answer, at: now) ?? [] { tell(decision) }
            report()
        case .failure(let failure):
            noteCensus(failure.description)
            ledger?.failed(at: now)
        }
    }

    /// Logs one line for each change.
    private func noteCensus(_ problem: String?) {
        guard (problem == nil) != (censusProblem == nil) else { return }
        censusProblem = problem
        guard let problem else { return state.logger.notice("events of channels and users go on") }
        state.logger.warning("events of channels and users wait", metadata: ["reason": "\(problem)"])
    }
}

extension ServerState {
    /// Logs that a receiver of events fails or takes them again, or that some were dropped.
    func noteHook(_ name: String, _ status: EventStatus) {
        if let problem = status.problem, !status.isFull {
            logger.warning("hook down", metadata: ["hook": "\(name)", "reason": "\(problem)"])
        } else if status.isFull {
            logger.warning("events dropped: too many wait", metadata: ["queued": "\(status.queued)"])
        } else {
            logger.notice("hook up", metadata: ["hook": "\(name)", "dropped": "\(status.dropped)"])
        }
    }
}

@available(*, unavailable)
extension EventLink: Sendable {}
