internal import Logging
internal import WSLoop

/// The parts that a server has once, on the loop of its first worker.
///
/// It starts and stops the workers, accepts their clients, and is connected to the broker and the backend.
final class Node {
    private let context: LoopContext
    private let state: ServerState
    private let acceptor: Acceptor
    private let broker: BrokerLink
    private let links: HTTPLinks
    private let presence: PresenceLink
    private let reloading: Reloading
    private let orders: OrderLink
    private let opened: () -> Void
    private var unopenedWorkers: Int
    private var undrainedWorkers: Int
    private var housekeeping = Housekeeping()
    private var leaveTimer: Timer?

    /// Why the server ended, if a worker could not start.
    private(set) var failure: SystemError?

    /// - Parameters:
    ///   - reload: reads the configuration again.
    ///   - opened: runs when all workers accept clients, just before the first client is accepted.
    init(
        _ context: LoopContext, _ connections: Connections, reload: Reload.Source? = nil,
        opened: @escaping () -> Void
    ) {
        self.context = context
        self.opened = opened
        state = context.state
        acceptor = Acceptor(context, connections)
        broker = BrokerLink(context)
        links = HTTPLinks(context, broker)
        presence = PresenceLink(context, broker)
        reloading = Reloading(context, links, reload)
        orders = OrderLink(context, broker)
        unopenedWorkers = context.state.workers
        undrainedWorkers = context.state.workers
    }

    /// Binds all addresses and starts to connect to the broker; call `close()` even after an error.
    ///
    /// - Returns: the addresses, with the ports that the system chose.
    func open() throws(SystemError) -> [SocketAddress] {
        let addresses = try acceptor.open()
        try broker.open()
        try links.prepare(state.configuration)
        links.update()
        return addresses
    }

    func close() {
        acceptor.close()
        broker.close()
        links.close()
        leaveTimer?.close()
    }

    /// When the last worker has opened, clients are accepted.
    private func workerOpened() {
        unopenedWorkers -= 1
        guard unopenedWorkers == 0 else { return }
        opened()
        acceptor.start()
    }

    /// Ends the server, because it must not run with fewer workers than configured.
    private func workerFailed(_ error: SystemError) {
        failure = error
        context.loop.stop()
    }

    /// Starts the drain after load balancers had time to notice that this server is not ready.
    private func leave() {
        do throws(SystemError) {
            let timer = try Timer(on: context.loop)
            timer.onEvent { [state] in state.drain() }
            timer.start(afterMilliseconds: UInt64(state.configuration.drainDelay / .milliseconds(1)))
            leaveTimer = timer
        } catch {
            state.logger.error("drain begun at once", metadata: ["error": "\(error)"])
            state.drain()
        }
    }

    /// When the last worker has no connections left, the server ends, once the backend knows what has happened.
    private func workerDrained() {
        undrainedWorkers -= 1
        guard undrainedWorkers == 0 else { return }
        links.events.finish { [context, state] in
            for index in state.inboxes.indices { context.post(.stop, to: index) }
        }
    }
}

extension Node: NodeMessageHandler {
    func handle(_ message: NodeMessage) {
        switch message {
        case .opened: workerOpened()
        case .failed(let error): workerFailed(error)
        case .clearHistory(let channel, let ticket): broker.clearHistory(of: channel, for: ticket)
        case .interestChanged(let channel): broker.interestChanged(in: channel)
        case .publish(let publication, let ticket): broker.publish(publication, for: ticket)
        case .tell(let order, let ticket): orders.tell(order, ticket)
        case .ask(let question, let ticket): links.backend.ask(question, for: ticket)
        case .withdraw(let ticket): links.backend.withdraw(ticket)
        case .keysWanted(let worker): links.keySet.want(worker)
        case .keysReplaced: reloading.reviewKeys()
        case .memberJoined: presence.memberJoined()
        case .note(let note): links.events.take(note)
        case .reload: reloading.begin()
        case .reloaded(let result): reloading.take(result)
        case .reviewed(let counts): reloading.reviewed(counts)
        case .leave: leave()
        case .drain: acceptor.close()
        case .drained: workerDrained()
        }
    }

    func tick() {
        broker.refreshStatus()
        links.tick()
        presence.tick()
        orders.tick()
        housekeeping.tick(state)
    }
}
