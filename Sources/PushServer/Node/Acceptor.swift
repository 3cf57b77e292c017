internal import Access
internal import Glibc
internal import Logging
internal import WSLoop

/// Accepts clients on all addresses and gives each to the worker with the fewest clients.
final class Acceptor {
    private static let unsentLowWaterBytes: Int32 = 131_072

    private let context: LoopContext
    private let connections: Connections
    private let state: ServerState
    private var listeners: [Listener] = []
    private let starvedLines = LineLimit()

    /// - Parameter connections: those of the loop on which clients are accepted.
    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        self.connections = connections
        state = context.state
    }

    /// Binds all addresses.
    ///
    /// - Returns: the addresses, with the ports that the system chose.
    func open() throws(SystemError) -> [SocketAddress] {
        for address in context.settings.configuration.listen { listeners.append(try listener(address, [])) }
        for address in context.settings.configuration.admin { listeners.append(try listener(address, .admin)) }
        return listeners.map(\.address)
    }

    /// Starts to accept clients.
    func start() {
        for listener in listeners { listener.resume() }
    }

    /// Stops accepting clients.
    func close() {
        for listener in listeners { listener.close() }
        listeners = []
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
            on: context.loop, address: address, unsentLowWaterBytes: Acceptor.unsentLowWaterBytes,
            starved: { [unowned self] in starved($0) }, accepted: { [unowned self] in place($0, peer) })
    }

    private func place(_ stream: AcceptedStream, _ listener: Peer) {
        // A proxy's header announces the client, and TLS begins after it.
        let isProxied = listener.contains(.proxied)
        let uncounted = isProxied ? listener : listener.union(nearness(of: stream))
        guard let peer = isProxied ? uncounted : connections.limits.admitted(uncounted, from: stream.peer.ip) else {
            return Socket.close(stream.descriptor)
        }
        let tls = isProxied ? nil : context.settings.tlsContext(for: peer)
        let index = state.boards.leastLoadedWorker()
        state.boards.countStream(1, on: index)
        if index == context.index {
            connections.adopt(stream, peer, tls)
        } else if !context.post(.adopt(stream, peer, tls), to: index) {
            Socket.close(stream.descriptor)
        }
    }

    private func nearness(of stream: AcceptedStream) -> Peer {
        let proxy: Peer = context.settings.trustedProxies.includes(stream.peer.ip) ? .trustedProxy : []
        guard stream.peer.isLocal else { return proxy }
        return proxy.union(stream.peer.port == nil ? .unixSocket : .loopback)
    }

    private func starved(_ error: SystemError) {
        state.places.noteStarved()
        for index in state.inboxes.indices { context.post(.closeIdle, to: index) }
        guard starvedLines.admitsLine(atNanoseconds: Loop.monotonicNanoseconds) else { return }
        state.logger.warning("accepting paused", metadata: ["error": "\(error)"])
    }
}
