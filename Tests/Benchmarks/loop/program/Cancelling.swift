import AsyncLoop
import WSLoop

/// Tasks that do everything that can be waited for, cancelled at random moments.
///
/// The loop is closed in the end, which throws if a task or a handle is left. Run it with a sanitizer as well:
/// `swift build --sanitize=thread --product loop-bench`.
struct Cancelling {
    let count: Int

    func run() throws {
        let options = LoopOptions(jobsPerTurn: 64, blockingThreads: 2)
        let cancelled = try LoopExecutor.run(options) { loop in
            let server = try await Victims(loop)
            async let serving: Void = server.listener.serve { stream in
                for try await part in stream { try await stream.write(part) }
            }
            var cancelled = 0
            for _ in 0..<(count / Cancelling.crowd) { cancelled += await round(loop, server) }
            server.close()
            try await serving
            return cancelled
        }
        print("tasks \(count) cancelled \(cancelled)")
    }

    /// The number of tasks at a time.
    private static let crowd = 100

    /// Returns how many tasks have thrown.
    private func round(_ loop: LoopExecutor, _ server: Victims) async -> Int {
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<Cancelling.crowd {
                let task = Task(executorPreference: loop) { try await server.wait(number % Victims.kinds) }
                // Half of them are cancelled by another thread.
                let canceller: (any TaskExecutor)? = number % 2 == 0 ? loop : globalConcurrentExecutor
                group.addTask(executorPreference: canceller) {
                    for _ in 0..<Int.random(in: 0..<10) { await Task.yield() }
                    task.cancel()
                    return (try? await task.value) == nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }
}

/// What the tasks wait for.
private struct Victims {
    static let kinds = 10

    let loop: LoopExecutor
    let listener: StreamListener
    private let socket: DatagramSocket

    init(_ loop: LoopExecutor) async throws {
        guard let address = SocketAddress(host: "127.0.0.1", port: 0) else { throw StreamError.closed }
        self.loop = loop
        listener = try await loop.listen(on: address)
        socket = try await loop.datagrams(on: address)
    }

    func close() {
        listener.close()
        socket.close()
    }

    func wait(_ kind: Int) async throws {
        switch kind {
        case 0: try await loop.sleep(for: .seconds(1000))
        case 1: try await loop.sleep(for: .microseconds(Int.random(in: 0..<1000)))
        case 2: try await loop.withTimeout(.microseconds(300)) { try await loop.sleep(for: .seconds(1000)) }
        case 3: try await loop.runBlocking { for _ in 0..<100 { _ = LoopClock.now } }
        case 4: _ = try await loop.readFile("/proc/self/statm")
        case 5:
            let other = try await loop.datagrams(on: socket.address.withPort(0))
            defer { other.close() }
            _ = try await other.receive()
        default: try await echo(kind)
        }
    }

    private func echo(_ kind: Int) async throws {
        let stream = try await loop.connect(to: listener.address)
        defer { stream.close() }
        switch kind {
        case 6: _ = try await stream.read()
        case 7: _ = try await stream.read(within: .microseconds(200))
        case 8: try await stream.write([UInt8](repeating: 0, count: 10_000_000))
        default:
            try await stream.write([1, 2, 3])
            _ = try await stream.read()
        }
    }
}

extension SocketAddress {
    fileprivate func withPort(_ port: UInt16) -> SocketAddress {
        SocketAddress(host: host ?? "127.0.0.1", port: port) ?? self
    }
}
