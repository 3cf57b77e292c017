internal import Access
internal import Glibc
internal import Logging
internal import WSLoop

/// What the home worker does for all: it accepts clients and spreads them over the workers, and has the broker.
final class Home {
    private unowned let worker: Worker
    private let state: ServerState
    private var listeners: [Listener] = []
    let broker: BrokerLink
    private let opened: () -> Void
    private var unopenedWorkers: Int
    private var undrainedWorkers: Int
    private let starvedLines = LineLimit()
    private var ticks = 0
    private var memory = MemoryReturn()

    /// Why the server ended, if a worker could not start.
    private(set) var failure: SystemError?

    /// - Parameter opened: runs once all workers take clients, just before the first is accepted.
    init(worker: Worker, opened: @escaping () -> Void) {
        self.worker = worker
        self.opened = opened
        state = worker.state
        broker = BrokerLink(worker: worker)
        unopenedWorkers = worker.state.workers
        undrainedWorkers = worker.state.workers
    }

    /// Binds all addresses and connects to the broker; on an error nothing stays open.
    ///
    /// - Returns: the addresses, with the ports that the system chose.
    func open() throws(SystemError) -> [SocketAddress] {
        do throws(SystemError) {
            for address in state.configuration.listen { listeners.append(try listener(address, [])) }
            for address in state.configuration.admin { listeners.append(try listener(address, .admin)) }
            try broker.open()
        } catch {
            close()
            throw error
        }
        return listeners.map(\.address)
    }

    func close() {
        stopAccepting()
        broker.close()
    }

    func stopAccepting() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    /// The last worker to open lets the clients in.
    func workerOpened() {
        unopenedWorkers -= 1
        guard unopenedWorkers == 0 else { return }
        opened()
        for listener in listeners { listener.resume() }
    }

    /// A server with fewer workers than asked for would lie about itself: it ends.
    func workerFailed(_ error: SystemError) {
        failure = error
        worker.loop.stop()
    }

    /// Publishes the status of the broker; changes of state are published at once.
    func refreshStatus() {
        // Not each quarter of a second: a file's state is asked of the disk.
        ticks &+= 1
        if ticks % 4 == 0 { state.configuration.certificates?.reloadIfChanged(logger: state.logger) }
        broker.refreshStatus()
        // A storm is over some seconds later.
        let isDue = memory.isDue(
            heldBytes: state.inboundBytes + state.queuedBytesTotal, peakBytes: state.takeHeldPeakBytes(),
            mayReturn: ticks % Home.memoryTicks == 0)
        if isDue { returnMemory() }
    }

    private static let memoryTicks = 20

    private func returnMemory() {
        let start = Loop.monotonicNanoseconds
        SystemLimits.returnFreeMemory()
        let milliseconds = (Loop.monotonicNanoseconds - start) / 1_000_000
        state.logger.debug("free memory given back", metadata: ["milliseconds": "\(milliseconds)"])
    }

    /// The last worker without connections ends the server.
    func workerDrained() {
        undrainedWorkers -= 1
        guard undrainedWorkers == 0 else { return }
        for index in state.inboxes.indices { worker.post(.stop, to: index) }
    }

    private func listener(_ address: ListenAddress, _ peer: Peer) throws(SystemError) -> Listener {
        guard let socketAddress = address.socketAddress else {
            throw SystemError(code: EINVAL, operation: "listen on \(address)")
        }
        var peer = peer
        if address.isSecure { peer.insert(.tls) }
        if address.isProxied { peer.insert(.proxied) }
        do throws(SystemError) {
            return try listener(at: socketAddress, peer)
        } catch {
            guard [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.code), let ipv4 = address.addressWithoutIPv6 else {
                throw error
            }
            return try listener(at: ipv4, peer)
        }
    }

    private func listener(at address: SocketAddress, _ peer: Peer) throws(SystemError) -> Listener {
        try Listener(
            on: worker.loop, address: address, unsentLowWaterBytes: Home.unsentLowWaterBytes,
            starved: { [unowned self] in starved($0) }, accepted: { [unowned self] in place($0, peer) })
    }

    private static let unsentLowWaterBytes: Int32 = 131_072

    private func place(_ stream: AcceptedStream, _ listener: Peer) {
        // A proxy's header tells whose connection it is, and TLS begins behind that.
        let isProxied = listener.contains(.proxied)
        let peer = isProxied ? listener : listener.union(nearness(of: stream))
        guard isProxied || worker.admitsSocket(from: stream.peer.ip, peer) else {
            return Socket.close(stream.descriptor)
        }
        let context = isProxied ? nil : worker.context(for: peer)
        let index = state.leastLoadedWorker()
        state.countStream(1, on: index)
        if index == worker.index {
            worker.adopt(stream, peer, context)
        } else if !worker.post(.adopt(stream, peer, context), to: index) {
            Socket.close(stream.descriptor)
        }
    }

    private func nearness(of stream: AcceptedStream) -> Peer {
        let proxy: Peer = state.trustedProxies.includes(stream.peer.ip) ? .trustedProxy : []
        guard stream.peer.isLocal else { return proxy }
        return proxy.union(stream.peer.port == nil ? .unixSocket : .loopback)
    }

    private func starved(_ error: SystemError) {
        state.noteStarved()
        for index in state.inboxes.indices { worker.post(.closeIdle, to: index) }
        guard starvedLines.admitsLine(atNanoseconds: Loop.monotonicNanoseconds) else { return }
        state.logger.warning("accepting paused", metadata: ["error": "\(error)"])
    }
}
