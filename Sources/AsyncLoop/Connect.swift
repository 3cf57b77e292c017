public import WSLoop

extension LoopExecutor {
    /// Connects to an address, and secures the connection if TLS is asked for.
    ///
    /// - Parameter limit: the time for connecting and the handshake.
    public func connect(
        to address: SocketAddress, tls: ClientStream.Security? = nil, within limit: Duration? = .seconds(30)
    ) async throws(StreamError) -> ByteStream {
        guard isCurrent else {
            return try await onLoop { () async throws(StreamError) in
                try await self.connect(to: address, tls: tls, within: limit)
            }
        }
        if Task.isCancelled { throw .cancelled }
        let connection: ClientStream
        do throws(ClientStream.Failure) {
            connection = try ClientStream(to: address, tls)
        } catch {
            throw StreamError(error, "connect to \(address)")
        }
        let stream = try ByteStream(connection, "stream to", peer: address, on: self)
        do throws(StreamError) {
            try await stream.connected(Deadline(limit))
        } catch {
            stream.close()
            throw error
        }
        return stream
    }

    /// Looks a host up and connects to the first of its addresses that answers.
    ///
    /// - Parameters:
    ///   - tls: secures the connection, and verifies that the server's certificate is for the host.
    ///   - limit: the time for each address.
    public func connect(
        toHost host: String, port: UInt16, tls: TLSContext? = nil, within limit: Duration? = .seconds(30)
    ) async throws(StreamError) -> ByteStream {
        var failure = StreamError.system(SystemError(code: 2, operation: "look up \(host)"))
        for address in try await lookUp(host, port: port) {
            do throws(StreamError) {
                let security = tls.map { ClientStream.Security(context: $0, serverName: host) }
                return try await connect(to: address, tls: security, within: limit)
            } catch {
                failure = error
                if error == .cancelled { break }
            }
        }
        throw failure
    }

    /// The addresses of a host, which may be a name or a numeric address.
    public func lookUp(_ host: String, port: UInt16) async throws(StreamError) -> [SocketAddress] {
        if let address = SocketAddress(host: host, port: port) { return [address] }
        guard isCurrent else {
            return try await onLoop { () async throws(StreamError) in
                try await self.lookUp(host, port: port)
            }
        }
        let core = core.here
        try StreamError.check(await acquire(Confined(core.lookupPlaces, to: core)), nil)
        defer { core.lookupPlaces.release() }
        let lookup = Lookup(host)
        core.add(lookup)
        defer { core.remove(lookup) }
        NameLookup.start(host, port: port, on: core.loop) { lookup.finish($0) }
        if lookup.answer == nil { try StreamError.check(await wait(Confined(lookup.place, to: core)), nil) }
        switch lookup.answer {
        case .success(let addresses): return addresses
        case .failure(let error): throw .system(error)
        case nil: throw .closed
        }
    }
}

/// A lookup that a task waits for.
private final class Lookup: Resource {
    let place = WaitPlace()
    let name: String
    private(set) var answer: Result<[SocketAddress], SystemError>?

    init(_ host: String) { name = "lookup of \(host)" }

    func finish(_ answer: Result<[SocketAddress], SystemError>) {
        self.answer = answer
        place.wake(.ready)
    }

    func abandon() { place.wake(.closed) }
}
