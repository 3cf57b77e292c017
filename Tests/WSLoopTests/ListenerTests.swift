import Glibc
import Testing

@testable import WSLoop

struct ListenerTests {
    private func listen(
        on loop: Loop, at address: SocketAddress, accepted: @escaping (AcceptedStream) -> Void = { _ in }
    ) throws -> Listener {
        let listener = try Listener(
            on: loop, address: address, unsentLowWaterBytes: 16384,
            starved: { Issue.record("starved: \($0)") }, accepted: accepted)
        listener.resume()
        return listener
    }

    /// Over TCP a silent client is accepted a second later (docs/decisions/0011).
    @Test(arguments: Transport.available, [true, false])
    func clientsAreAccepted(transport: Transport, sending: Bool) throws {
        try withLoop { loop in
            var streams: [AcceptedStream] = []
            let listener = try listen(on: loop, at: transport.makeAddress()) { streams.append($0) }
            #expect(listener.address.port != 0)
            let clients = try (0..<3).map { _ in try ClientSocket(to: listener.address) }
            if sending { for client in clients { client.send([1]) } }
            try loop.turn(for: "three clients") { streams.count == 3 }
            for stream in streams {
                #expect(stream.peer.isLocal)
                if transport != .unix {
                    #expect(clients.contains { stream.peer == SocketAddress(boundTo: $0.descriptor) })
                }
                #expect(fcntl(stream.descriptor, F_GETFL) & O_NONBLOCK != 0)
                #expect(fcntl(stream.descriptor, F_GETFD) & FD_CLOEXEC != 0)
                Socket.close(stream.descriptor)
            }
            listener.close()
            listener.close()
        }
    }

    @Test func aSocketOfBothFamiliesSeesAnIPv4ClientAsOne() throws {
        try withLoop { loop in
            var peers: [SocketAddress] = []
            let listener = try listen(on: loop, at: try #require(SocketAddress(host: "::", port: 0))) {
                peers.append($0.peer)
                Socket.close($0.descriptor)
            }
            let port = try #require(listener.address.port)
            let client = try ClientSocket(to: try #require(SocketAddress(host: "127.0.0.1", port: port)))
            client.send([1])
            try loop.turn(for: "the client") { !peers.isEmpty }
            #expect(peers == [SocketAddress(boundTo: client.descriptor)])
            #expect(peers.first?.isLocal == true && peers.first?.host == "127.0.0.1")
            client.close()
            listener.close()
        }
    }

    @Test func aPausedListenerLeavesClientsInTheQueue() throws {
        try withLoop { loop in
            var accepted = 0
            let listener = try listen(on: loop, at: Transport.ipv4.makeAddress()) {
                accepted += 1
                Socket.close($0.descriptor)
            }
            listener.pause()
            let client = try ClientSocket(to: listener.address)
            client.send([1])
            loop.turn(waiting: false)
            loop.turn(waiting: false)
            #expect(accepted == 0)
            listener.resume()
            try loop.turn(for: "the client") { accepted == 1 }
            client.close()
            listener.close()
        }
    }

    @Test func aListenerMayBeClosedByTheClientItAccepts() throws {
        try withLoop { loop in
            var accepted = 0
            var listener: Listener?
            listener = try listen(on: loop, at: Transport.ipv4.makeAddress()) {
                accepted += 1
                Socket.close($0.descriptor)
                listener?.close()
            }
            let address = try #require(listener?.address)
            let clients = try (0..<3).map { _ in try ClientSocket(to: address) }
            try loop.turn(for: "a client") { accepted > 0 }
            loop.turn(waiting: false)
            #expect(accepted == 1)
            for client in clients { client.close() }
            listener = nil
        }
    }

    @Test(arguments: Transport.available)
    func anAddressInUseIsRefused(transport: Transport) throws {
        try withLoop { loop in
            let first = try listen(on: loop, at: transport.makeAddress())
            let error = #expect(throws: SystemError.self) { try listen(on: loop, at: first.address) }
            #expect(error?.code == EADDRINUSE)
            #expect(error?.description == "listen on \(first.address): address already in use")
            // The first listener still works.
            let client = try ClientSocket(to: first.address)
            client.close()
            first.close()
        }
    }

    @Test func aUnixSocketsFileGoesWithTheListener() throws {
        try withLoop { loop in
            let path = temporaryPath()
            let address = try #require(SocketAddress(unixPath: path))
            let listener = try listen(on: loop, at: address)
            #expect(listener.address == address)
            #expect(unsafe access(path, F_OK) == 0)
            listener.close()
            #expect(unsafe access(path, F_OK) != 0)
        }
    }

    @Test func aStaleUnixSocketIsReplaced() throws {
        try withLoop { loop in
            let path = temporaryPath()
            let address = try #require(SocketAddress(unixPath: path))
            // What a killed server leaves: a bound file, and no process.
            let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            #expect(unsafe address.withKernelForm { unsafe bind(dead, $0, $1) } == 0)
            Socket.close(dead)
            let listener = try listen(on: loop, at: address)
            let client = try ClientSocket(to: address)
            client.close()
            listener.close()
        }
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() throws {
        try withLoop { loop in
            let path = temporaryPath()
            let address = try #require(SocketAddress(unixPath: path))
            let file = unsafe creat(path, 0o600)
            defer {
                Socket.close(file)
                unsafe unlink(path)
            }
            #expect(throws: SystemError.self) { try listen(on: loop, at: address) }
            #expect(unsafe access(path, F_OK) == 0)
        }
    }

    @Test func withoutDescriptorsItPausesAndRecovers() async {
        // In a separate process, which may run out of descriptors.
        await #expect(processExitsWith: .success) {
            let loop = try Loop()
            var starved: [SystemError] = []
            var accepted = 0
            let listener = try Listener(
                on: loop, address: Transport.ipv4.makeAddress(), unsentLowWaterBytes: 16384,
                starved: { starved.append($0) },
                accepted: {
                    accepted += 1
                    Socket.close($0.descriptor)
                })
            listener.resume()
            let client = try ClientSocket(to: listener.address)
            client.send([1])
            let ticker = try Timer(on: loop)
            loop.turn(waiting: false)
            guard accepted == 1 else { exit(10) }
            let second = try ClientSocket(to: listener.address)
            second.send([1])
            var limit = rlimit(rlim_cur: rlim_t(second.descriptor + 8), rlim_max: rlim_t(second.descriptor + 8))
            guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { exit(11) }
            var hoard: [Int32] = []
            while case let copy = dup(0), copy >= 0 { hoard.append(copy) }
            try loop.turn(for: "starvation") { !starved.isEmpty }
            guard starved[0].code == EMFILE, accepted == 1 else { exit(12) }
            // It does not spin: the loop turns only for its timers, a few times in this span.
            let begin = loop.nowMilliseconds
            var turns = 0
            ticker.start(afterMilliseconds: 50)
            while ticker.isActive {
                loop.turn()
                turns += 1
            }
            guard turns <= 3, loop.nowMilliseconds - begin >= 50 else { exit(13) }
            for copy in hoard { Socket.close(copy) }
            try loop.turn(for: "recovery") { accepted == 2 }
            client.close()
            second.close()
            ticker.close()
            listener.close()
            loop.close()
        }
    }
}
