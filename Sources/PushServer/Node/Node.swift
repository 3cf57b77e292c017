internal import Logging
internal import WSLoop

/// What a server has once, on the loop of its first worker: it starts and stops the workers, accepts their clients, and
/// is connected to the broker.
final class Node {
    private let context: LoopContext
    private let state: ServerState
    private let acceptor: Acceptor
    private let broker: BrokerLink
    private let opened: () -> Void
    private var unopenedWorkers: Int
    private var undrainedWorkers: Int
    private var housekeeping = Housekeeping()
    private var leaveTimer: Timer?

    /// Why the server ended, if a worker could not start.
    private(set) var failure: SystemError?

    /// - Parameter opened: runs once all workers take clients, just before the first is accepted.
    init(_ context: LoopContext, _ connections: Connections, opened: @escaping () -> Void) {
        self.context = context
        self.opened = opened
        state = context.state
        acceptor = Acceptor(context, connections)
        broker = BrokerLink(context)
        unopenedWorkers = context.state.workers
        undrainedWorkers = context.state.workers
    }

    /// Binds all addresses and begins to connect to the broker; `close()` is needed after an error as well.
    ///
    /// - Returns: the addresses, with the ports that the system chose.
    func open() throws(SystemError) -> [SocketAddress] {
        let addresses = try acceptor.open()
        try broker.open()
        return addresses
    }

    func close() {
        acceptor.close()
        broker.close()
        leaveTimer?.close()
    }

    /// The last worker to open lets the clients in.
    private func workerOpened() {
        unopenedWorkers -= 1
        guard unopenedWorkers == 0 else { return }
        opened()
        acceptor.start()
    }

    /// A server with fewer workers than asked for would lie about itself: it ends.
    private func workerFailed(_ error: SystemError) {
        failure = error
        context.loop.stop()
    }

    /// Begins the drain when routers have had the time to learn that this server is not ready.
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

    /// The last worker without connections ends the server.
    private func workerDrained() {
        undrainedWorkers -= 1
        guard undrainedWorkers == 0 else { return }
        for index in state.inboxes.indices { context.post(.stop, to: index) }
    }
}

extension Node: NodeMessageHandler {
    func handle(_ message: NodeMessage) {
        switch message {
        case .opened: workerOpened()
        case .failed(let error): workerFailed(error)
        case .interestChanged(let channel): broker.interestChanged(in: channel)
        case .publish(let publication, let ticket): broker.publish(publication, for: ticket)
        case .leave: leave()
        case .drain: acceptor.close()
        case .drained: workerDrained()
        }
    }

    func tick() {
        broker.refreshStatus()
        housekeeping.tick(state)
    }
}
