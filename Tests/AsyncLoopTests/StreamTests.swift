import AsyncLoop
import Testing
import WSLoop

struct StreamTests {
    enum Kind: CaseIterable { case tcp, unix }

    static func address(_ kind: Kind) throws -> SocketAddress {
        try kind == .tcp ? localAddress() : unixAddress()
    }

    /// Runs a client against a server.
    static func connect(
        _ kind: Kind = .tcp, server: @escaping @Sendable (ByteStream) async throws -> Void,
        client: @escaping @Sendable (ByteStream) async throws -> Void
    ) async throws {
        try await onLoop { loop in
            let listener = try await loop.listen(on: address(kind))
            async let serving: Void = listener.serve(failed: { Issue.record($0) }, server)
            let stream = try await loop.connect(to: listener.address)
            try await client(stream)
            stream.close()
            listener.close()
            try await serving
            #expect(loop.report().pending.isEmpty)
        }
    }

    @Test(arguments: Kind.allCases) func anEchoServerReturnsEverything(_ kind: Kind) async throws {
        try await StreamTests.connect(kind) { stream in
            for try await part in stream { try await stream.write(part) }
        } client: { stream in
            for text in ["a", "hello", String(repeating: "x", count: 100_000)] {
                async let sent: Void = stream.write(Array(text.utf8))
                var received: [UInt8] = []
                while received.count < text.utf8.count { _ = try await stream.read(into: &received) }
                try await sent
                #expect(received == Array(text.utf8))
            }
            stream.endWrites()
            let end = try await stream.read()
            #expect(end == nil)
        }
    }

    @Test func aSlowReaderStopsTheWriter() async throws {
        try await StreamTests.connect { stream in
            // More than the kernel takes.
            try await stream.write([UInt8](repeating: 7, count: 50_000_000))
        } client: { stream in
            let loop = stream.loop
            try await loop.turn(for: "a blocked writer") { loop.report().pending.contains { $0.hasSuffix("writing") } }
            var count = 0
            for try await part in stream { count += part.count }
            #expect(count == 50_000_000)
        }
    }

    @Test func aReadHasATimeLimit() async throws {
        try await StreamTests.connect { stream in
            let limit = Duration.milliseconds(5)
            await #expect(throws: StreamError.timedOut(limit)) { try await stream.read(within: limit) }
            try await stream.write([1])
            let end = try await stream.read(within: .seconds(1000))
            #expect(end == nil)
        } client: { stream in
            let first = try await stream.read()
            #expect(first == [1])
        }
    }

    @Test func closingAStreamEndsItsReader() async throws {
        try await StreamTests.connect { stream in
            _ = try await stream.read()
        } client: { stream in
            let reading = Task(executorPreference: stream.loop) { try await stream.read() }
            await Task.yield()
            stream.close()
            await #expect(throws: StreamError.closed) { try await reading.value }
            await #expect(throws: StreamError.self) { try await stream.write([1]) }
        }
    }

    @Test func cancellationReachesReadWriteAcceptAndConnect() async throws {
        try await onLoop { loop in
            let listener = try await loop.listen(on: localAddress())
            let accepting = Task(executorPreference: loop) { try await listener.accept() }
            let stream = try await loop.connect(to: listener.address)
            let peer = try #require(try await accepting.value)

            let reading = Task(executorPreference: loop) { try await stream.read() }
            let writing = Task(executorPreference: loop) {
                try await peer.write([UInt8](repeating: 0, count: 100_000_000))
            }
            let waiting = Task(executorPreference: loop) { try await listener.accept() }
            try await loop.turn(for: "waits") { loop.report().pending.contains { $0.hasSuffix("writing") } }
            writing.cancel()
            await #expect(throws: StreamError.cancelled) { try await writing.value }
            _ = try await reading.value
            waiting.cancel()
            await #expect(throws: StreamError.cancelled) { try await waiting.value }
            let connecting = Task(executorPreference: loop) { try await loop.connect(to: listener.address) }
            connecting.cancel()
            await #expect(throws: StreamError.cancelled) { try await connecting.value }
            // The write has closed its stream.
            await #expect(throws: StreamError.self) { try await peer.write([1]) }
            stream.close()
            listener.close()
        }
    }

    @Test func aRefusedConnectionThrows() async throws {
        try await onLoop { loop in
            let listener = try await loop.listen(on: localAddress())
            let address = listener.address
            listener.close()
            let client = try await listener.accept()
            #expect(client == nil)
            try await loop.sleep(for: .milliseconds(1))  // the socket is closed at the end of the turn
            await #expect(throws: StreamError.self) { try await loop.connect(to: address) }
        }
    }

    @Test func servingLimitsTheNumberOfClients() async throws {
        try await onLoop { loop in
            let listener = try await loop.listen(on: localAddress())
            let begun = Notes<Int>()
            let serving = Task(executorPreference: loop) {
                try await listener.serve(atMost: 2) { stream in
                    begun.add(1)
                    _ = try await stream.read()
                }
            }
            var streams: [ByteStream] = []
            for _ in 0..<4 { streams.append(try await loop.connect(to: listener.address)) }
            try await loop.turn(for: "two clients") { begun.count == 2 }
            streams[0].close()
            try await loop.turn(for: "the third client") { begun.count == 3 }
            serving.cancel()
            await #expect(throws: StreamError.cancelled) { try await serving.value }
            #expect(begun.count == 3)
            for stream in streams { stream.close() }
            listener.close()
        }
    }

    @Test func aHostIsLookedUp() async throws {
        try await onLoop { loop in
            let addresses = try await loop.lookUp("localhost", port: 80)
            #expect(addresses.contains { $0.isLocal && $0.port == 80 })
            let listener = try await loop.listen(on: localAddress())
            let stream = try await loop.connect(toHost: "127.0.0.1", port: listener.address.port ?? 0)
            stream.close()
            listener.close()
        }
    }

    @Test func otherThreadsUseAStream() async throws {
        try await StreamTests.connect { stream in
            for try await part in stream { try await stream.write(part) }
        } client: { stream in
            let echoed = try await Task.detached {
                try await stream.write([1, 2, 3])
                return try await stream.read()
            }.value
            #expect(echoed == [1, 2, 3])
        }
    }

    @Test func leftStreamsAreNamedWhenTheLoopIsClosed() throws {
        let loop = try LoopExecutor()
        let address = try loop.run { () async throws in
            let listener = try await loop.listen(on: localAddress())
            _ = try await loop.connect(to: listener.address)
            return listener.address
        }
        let leak = #expect(throws: LoopLeak.self) { try loop.close() }
        #expect(leak?.report.pending == ["listener \(address)", "stream to \(address)"])
    }
}
