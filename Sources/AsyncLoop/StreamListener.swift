internal import DequeModule
public import WSLoop

/// A listening TCP or unix socket: a sequence of streams.
///
/// While nobody asks for the next stream, no more than one turn's clients are accepted; others wait in the kernel.
public final class StreamListener: Sendable {
    /// The address; if port 0 was asked for, with the port that the kernel chose.
    public let address: SocketAddress
    let loop: LoopExecutor
    private let state: Confined<ListenerState>

    fileprivate init(_ state: ListenerState, _ address: SocketAddress, on loop: LoopExecutor) {
        self.address = address
        self.loop = loop
        self.state = Confined(state, to: loop.core.here)
    }

    /// Waits for the next client; nil after `close`.
    public func accept() async throws(StreamError) -> ByteStream? {
        guard loop.isCurrent else {
            return try await loop.onLoop { () async throws(StreamError) in try await self.accept()
            }
        }
        while true {
            if Task.isCancelled { throw .cancelled }
            if let client = state.here.next() {
                // A client that cannot be taken over is gone, or there is no memory for it.
                guard let stream = try? ByteStream(client.connection, "stream from", peer: client.peer, on: loop) else {
                    continue
                }
                return stream
            }
            guard !state.here.isClosed else { return nil }
            let wake = await loop.wait(Confined(state.here.place, to: loop.core.here))
            if wake == .cancelled { throw .cancelled }
        }
    }

    /// Stops listening; tasks that wait for a client get nil, and clients that nobody has asked for are disconnected.
    public func close() {
        loop.perform { self.state.here.close() }
    }

    /// Serves each client by a child task, which gets the stream after the TLS handshake; it is closed in the end.
    ///
    /// It returns when the listener is closed and all tasks have ended. If the current task is cancelled, all tasks are
    /// cancelled, and it throws when they have ended.
    ///
    /// - Parameters:
    ///   - limit: the most clients at a time; further ones wait in the kernel.
    ///   - handshakeLimit: the time for the handshake.
    ///   - failed: gets what the handshake or the handler throws, which ends only that client.
    ///   - handler: serves a client.
    public func serve(
        atMost limit: Int = .max, handshakeWithin handshakeLimit: Duration = .seconds(10),
        failed: @escaping @Sendable (any Error) -> Void = { _ in },
        _ handler: @escaping @Sendable (ByteStream) async throws -> Void
    ) async throws(StreamError) {
        let places = Confined(Places(limit), beside: loop.core)
        let failure = await withDiscardingTaskGroup { group -> StreamError? in
            do throws(StreamError) {
                while true {
                    try StreamError.check(await loop.acquire(places), nil)
                    guard let stream = try await accept() else { return nil }
                    group.addTask(executorPreference: loop) {
                        do {
                            try await stream.secure(within: handshakeLimit)
                            try await handler(stream)
                        } catch {
                            failed(error)
                        }
                        stream.close()
                        places.here.release()
                    }
                }
            } catch {
                group.cancelAll()
                return error
            }
        }
        if let failure { throw failure }
    }
}

extension StreamListener: AsyncSequence {
    /// Accepts clients.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let listener: StreamListener

        /// The next client; nil after `close`.
        public func next() async throws(StreamError) -> ByteStream? { try await listener.accept() }
    }

    /// The clients, as they connect.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(listener: self) }
}

extension LoopExecutor {
    /// Listens on an address, for clients that speak TLS if there is a context.
    public func listen(
        on address: SocketAddress, tls: TLSContext? = nil
    ) async throws(StreamError) -> StreamListener {
        guard isCurrent else {
            return try await onLoop { () async throws(StreamError) in
                try await self.listen(on: address, tls: tls)
            }
        }
        let core = core.here
        do throws(SystemError) {
            let state = ListenerState(in: core, tls)
            let bound = try state.listen(on: address)
            return StreamListener(state, bound, on: self)
        } catch {
            throw .system(error)
        }
    }
}

/// A listener's socket and the clients that were accepted and not yet asked for, on the loop.
private final class ListenerState: Resource {
    /// The most bytes that the kernel keeps unsent for one client.
    private static let unsentBytes: Int32 = 1 << 17

    let place = WaitPlace()
    private(set) var name = "listener"
    private(set) var isClosed = false
    private unowned let core: LoopCore
    private let tls: TLSContext?
    private var listener: Listener?
    private var accepted = Deque<AcceptedStream>()

    init(in core: LoopCore, _ tls: TLSContext?) {
        self.core = core
        self.tls = tls
    }

    /// Returns the address with the port that was chosen.
    func listen(on address: SocketAddress) throws(SystemError) -> SocketAddress {
        let listener = try Listener(
            on: core.loop, address: address, unsentLowWaterBytes: ListenerState.unsentBytes,
            defersSilentClients: false, starved: { _ in }, accepted: { [unowned self] in take($0) })
        self.listener = listener
        name = "listener \(listener.address)"
        core.add(self)
        listener.resume()
        return listener.address
    }

    private func take(_ client: AcceptedStream) {
        accepted.append(client)
        // Nobody may ask for the next one for a long time.
        listener?.pause()
        place.wake(.ready)
    }

    /// The next client with its connection; nil if there is none yet.
    func next() -> (connection: ClientStream, peer: SocketAddress)? {
        while let client = accepted.popFirst() {
            // On failure the client is disconnected: OpenSSL is out of memory.
            guard let connection = try? ClientStream(accepted: client.descriptor, tls) else { continue }
            return (connection, client.peer)
        }
        if !isClosed { listener?.resume() }
        return nil
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        listener?.close()
        for client in accepted { Socket.close(client.descriptor) }
        accepted.removeAll()
        core.remove(self)
        place.wake(.closed)
    }

    func abandon() { close() }
}
