internal import Access
internal import Bytes
internal import Channels
internal import Glibc
internal import Logging
internal import RedisBridge
internal import WSLoop

/// What the home worker does for all: it accepts clients and spreads them over the workers, and bridges to Redis.
final class Home {
    private unowned let worker: Worker
    private let state: ServerState
    private var listeners: [Listener] = []
    private var bridge: RedisBridge?
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
        unopenedWorkers = worker.state.workers
        undrainedWorkers = worker.state.workers
    }

    /// Binds all addresses and connects to Redis; on an error nothing stays open.
    ///
    /// - Returns: the addresses, with the ports that the system chose.
    func open() throws(SystemError) -> [SocketAddress] {
        do throws(SystemError) {
            for address in state.configuration.listen { listeners.append(try listener(address, [])) }
            for address in state.configuration.admin { listeners.append(try listener(address, .admin)) }
            try openBridge()
        } catch {
            close()
            throw error
        }
        return listeners.map(\.address)
    }

    func close() {
        stopAccepting()
        bridge?.stop()
        bridge = nil
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

    /// Lays open how the bridge stands; changes of state are laid open at once.
    func refreshStatus() {
        // Not each quarter of a second: a file's state is asked of the disk.
        ticks &+= 1
        if ticks % 4 == 0 { state.configuration.certificates?.reloadIfChanged(logger: state.logger) }
        if let bridge { state.redis = bridge.status }
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

    /// A channel has got its first subscribers, or lost its last: Redis follows what the directory says now.
    func reconsider(_ channel: String) {
        guard let bridge else { return }
        if !state.directory.isWanted(channel) {
            bridge.unsubscribe(channel)
        } else if bridge.subscribe(channel) {
            settle(channel, isConfirmed: true)
        }
    }

    /// Publishes for a connection of any worker and reports back.
    func publish(_ payload: [UInt8], to channel: String, for address: ConnectionAddress) {
        bridge?.publish(payload, to: channel) { [unowned worker] result in
            let failure: String? = if case .failure(let error) = result { error.description } else { nil }
            worker.post(.published(address.key, failure: failure), to: address.worker)
        }
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

    private func openBridge() throws(SystemError) {
        guard let endpoint = state.configuration.redis else { return }
        let channels = RedisChannelMap(
            prefix: state.configuration.redisPrefix, aliases: state.configuration.redisAliases,
            patterns: state.configuration.redisPatterns.map(\.wildcard))
        let bridge = try RedisBridge(
            on: worker.loop, endpoint: endpoint, tls: state.configuration.redisTLS, channels: channels,
            timing: state.configuration.redisTiming, maxPayloadBytes: state.configuration.maxPublishBytes,
            delegate: self)
        self.bridge = bridge
        bridge.start()
        state.redis = bridge.status
    }

    private func settle(_ channel: String, isConfirmed: Bool) {
        if isConfirmed { state.directory.markReady(channel) }
        for index in state.inboxes.indices { worker.post(.settled(channel: channel), to: index) }
    }
}

extension Home: RedisBridgeDelegate {
    func bridgeReceived(_ payload: RawSpan, on channel: String) {
        // By a pattern anything may come that has the prefix.
        guard state.configuration.redisPatterns.isEmpty || ChannelName.isValid(channel) else {
            bridge?.ignore(channel)
            return
        }
        var bytes: [UInt8] = []
        bytes.append(payload)
        worker.broadcast(bytes, to: channel, from: .redis)
    }

    func bridgeSettled(_ channel: String) {
        // Perhaps it has only been waited for long enough.
        settle(channel, isConfirmed: bridge?.isConfirmed(channel) ?? false)
    }

    func bridgeExposed(_ channel: String, forMilliseconds milliseconds: UInt64) {
        for index in state.inboxes.indices {
            worker.post(.exposed(channel: channel, milliseconds: milliseconds), to: index)
        }
    }

    func bridgeIgnored(_ redisChannel: RawSpan) {
        let name = redisChannel.text ?? "not UTF-8"
        state.logger.warning(
            "messages of Redis channels that cannot be channels here are ignored", metadata: ["first": "\(name)"])
    }

    func bridgeLeftOutMessage() {
        worker.counters.droppedOversized += 1
    }

    func bridgeLostSubscriptions() {
        state.directory.markNothingReady()
    }

    func bridgeStatusChanged(_ status: RedisStatus) {
        state.redis = status
        var metadata: Logger.Metadata = [:]
        if let reason = status.reason { metadata["reason"] = "\(reason)" }
        if let milliseconds = status.retryMilliseconds { metadata["retry"] = "within \(milliseconds) ms" }
        let line =
            "redis \(status.state.rawValue)\(status.isUsable || status.state != .connected ? "" : " but not usable")"
        state.logger.log(level: status.isUsable ? .notice : .warning, "\(line)", metadata: metadata)
    }
}
