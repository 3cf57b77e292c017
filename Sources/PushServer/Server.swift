public import Access
internal import CBuild
internal import Glibc
internal import HTTP
public import Logging
public import WSLoop

/// A push server: WebSockets, HTTP endpoints and channels, on as many loops as configured.
///
/// `run` blocks; `drain` and `stop` may be called from any thread.
public final class Server: Sendable {
    /// The version shown by `/metrics` and the command line.
    public static let version = unsafe String(cString: cbuild_version())

    let state: ServerState

    /// Makes a server without opening anything.
    public init(configuration: ServerConfiguration, logger: Logger) {
        state = ServerState(configuration: configuration, logger: logger)
    }

    /// The most WebSockets that may be open.
    public var maxConnections: Limit { state.places.maxClients }

    /// The most descriptors that the process may have open.
    public var descriptorLimit: Int { state.places.descriptorLimit }

    /// How writes reach the kernel on this machine; known when the server is ready.
    public var io: IOMethod { state.boards.sendThroughRing ? .uring : .poll }

    /// Serves until the server is drained or stopped.
    ///
    /// The calling thread becomes the first worker, on whose loop the node is: it accepts the clients of all workers
    /// and is connected to the broker. Further workers get threads.
    ///
    /// - Parameters:
    ///   - signals: signals that drain the server; a second one stops it at once.
    /// - reloadSignals: signals on which certificates are read again.
    ///   - ready: called on the first worker's loop with the bound addresses, once clients are accepted.
    public func run(
        drainingOn signals: [Int32] = [], reloadingOn reloadSignals: [Int32] = [],
        ready: @escaping ([SocketAddress]) -> Void = { _ in }
    ) throws(SystemError) {
        SystemLimits.ignoreBrokenPipes()
        SystemLimits.mapLargeBlocks(fromBytes: MemoryReturn.mappedBytes)
        try checkRecords()
        let worker = try Worker(index: NodeMessage.worker, state: state)
        defer { worker.close() }
        try worker.open()
        var addresses: [SocketAddress] = []
        let node = Node(worker.context, worker.connections) { [self] in
            state.lifecycle.enter(.serving)
            checkDescriptors()
            ready(addresses)
        }
        defer { node.close() }
        worker.node = node
        for signal in signals { worker.keep(try watch(signal, worker.context.loop)) }
        for signal in reloadSignals { worker.keep(try watchForReload(signal, worker.context.loop)) }
        addresses = try node.open()
        var threads: [LoopThread] = []
        defer { end(threads) }
        for index in 1..<max(state.workers, 1) { threads.append(try startThread(index)) }
        worker.context.tellNode(.opened)
        try worker.run()
        if let failure = node.failure { throw failure }
    }

    /// Announces that it is not ready, and after the drain delay stops accepting and closes the WebSockets; any thread.
    ///
    /// The closes are spread over the drain period; then `run` returns.
    public func drain() {
        guard state.lifecycle.enter(.leaving) else { return }
        let delay = state.configuration.drainDelay
        guard delay > .zero else { return state.drain() }
        state.logger.notice("not ready, and draining in \(delay) (--drain-delay)")
        state.inboxes[NodeMessage.worker].post(.node(.leave))
    }

    /// Makes `run` return at once; may be called on any thread.
    public func stop() {
        for inbox in state.inboxes { inbox.post(.stop) }
    }
}

extension Server {
    /// Checks the compact record layer before anything depends on it, and logs the layer in use.
    private func checkRecords() throws(SystemError) {
        let configuration = state.configuration
        guard let records = configuration.certificates?.records ?? state.broker.tlsRecords else { return }
        var metadata: Logger.Metadata = ["records": "\(records.rawValue)"]
        if records == .compact {
            do throws(TLSFailure) {
                try TLSRecordCheck.run()
            } catch {
                throw SystemError(code: EPROTO, operation: "check of --tls-records compact: \(error)")
            }
            metadata["checked"] = "yes"
        }
        metadata["kernel_tls"] = SystemLimits.hasKernelTLS ? "unused" : "no"
        state.logger.notice("tls", metadata: metadata)
    }

    /// With fewer, the system's descriptor limit is probably an oversight.
    private static let fewWebSockets = 256

    /// Warns if the descriptor limit is low; clients would get 503.
    private func checkDescriptors() {
        let wanted = state.configuration.maxConnections?.value ?? Server.fewWebSockets
        let possible = ConnectionPlaces.clients(
            withDescriptors: state.places.descriptorLimit, workers: state.workers)
        guard possible < wanted else { return }
        state.logger.warning(
            "the descriptor limit leaves few WebSockets: raise it (ulimit -Hn, LimitNOFILE=)",
            metadata: ["descriptors": "\(state.places.descriptorLimit)", "websockets": "\(possible)"])
    }

    private func watch(_ signal: Int32, _ loop: Loop) throws(SystemError) -> SignalWatcher {
        let watcher = try SignalWatcher(on: loop, signal: signal)
        watcher.onEvent { [self] in
            if state.lifecycle.phase.isStopping { stop() } else { drain() }
        }
        return watcher
    }

    private func watchForReload(_ signal: Int32, _ loop: Loop) throws(SystemError) -> SignalWatcher {
        let watcher = try SignalWatcher(on: loop, signal: signal)
        watcher.onEvent { [self] in state.configuration.certificates?.reload(logger: state.logger) }
        return watcher
    }

    private func startThread(_ index: Int) throws(SystemError) -> LoopThread {
        try LoopThread(named: "pushd-\(index)") { [self] in
            do throws(SystemError) {
                let worker = try Worker(index: index, state: state)
                defer { worker.close() }
                try worker.open()
                worker.context.tellNode(.opened)
                try worker.run()
            } catch {
                state.inboxes[NodeMessage.worker].post(.node(.failed(error)))
            }
        }
    }

    /// Ends the other workers.
    private func end(_ threads: [LoopThread]) {
        stop()
        for thread in threads { thread.join() }
    }
}
