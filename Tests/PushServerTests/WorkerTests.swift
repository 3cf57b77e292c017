import Channels
import Glibc
import Logging
import Protocols
import RedisBridge
import Testing

@testable import PushServer
@testable import WSLoop

extension ServerTests {
    /// A worker whose loop runs only when the test turns it.
    @Suite struct WorkerTests {
        private func withWorker(of workers: Int, _ body: (Worker) throws -> Void) throws {
            var configuration = ServerConfiguration()
            configuration.workers = workers
            configuration.broker = .redis(try RedisEndpoint(parsing: "redis://127.0.0.1:1"))
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let state = ServerState(configuration: configuration, logger: logger)
            let worker = try Worker(index: workers - 1, state: state)
            defer { worker.close() }
            try worker.open()
            try body(worker)
        }

        private func socketPair() throws -> (AcceptedStream, peer: Int32) {
            var ends: [Int32] = [0, 0]
            try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            return (
                AcceptedStream(
                    descriptor: ends[0], peer: try #require(SocketAddress(unixPath: "/x")), deferralMilliseconds: 0),
                ends[1]
            )
        }

        private func hasEnded(_ peer: Int32) -> Bool {
            var byte: UInt8 = 0
            return unsafe recv(peer, &byte, 1, Int32(MSG_DONTWAIT)) == 0
        }

        @Test func whoLeavesWhileRedisIsAskedLeavesNothing() throws {
            try withWorker(of: 2) { worker in
                var peers: [Int32] = []
                for _ in 0..<3 {
                    let (stream, peer) = try socketPair()
                    peers.append(peer)
                    worker.connections.adopt(stream, [], nil)
                }
                let connections = worker.connections.table.all
                for connection in connections {
                    worker.commands.subscribe(connection, to: ["c"], SubscribeOptions(), id: [])
                    #expect(connection.isPaused && connection.continuation != nil)
                }
                for (index, connection) in connections.enumerated() {
                    #expect(worker.context.state.directory.subscribers(of: "c") == 3 - index)
                    worker.connections.closing.close(connection)
                }
                #expect(worker.commands.subscriptions.waiting.isEmpty)
                #expect(!worker.context.state.directory.isWanted("c"))
                for peer in peers {
                    #expect(hasEnded(peer))
                    close(peer)
                }
            }
        }

        @Test func aClientThatWasNotTakenOverYetIsClosedWithTheWorker() throws {
            let (stream, peer) = try socketPair()
            try withWorker(of: 2) { worker in
                worker.context.state.inboxes[1].post(.adopt(stream, [], nil))
            }
            #expect(hasEnded(peer))
            close(peer)
        }

        /// A message that a worker sends to itself must not wait for the next event.
        @Test func whatAWorkerTellsItselfIsFoundAtOnce() throws {
            // The ticker would hide the fault after a quarter of a second, so a stalled machine gets several attempts.
            var ticks: [UInt32] = []
            while ticks.last != 0, ticks.count < 20 {
                try withWorker(of: 1) { worker in
                    let node = Node(worker.context, worker.connections, opened: {})
                    worker.node = node
                    defer { node.close() }
                    let timer = try Timer(on: worker.context.loop)
                    timer.onEvent { worker.context.tellNode(.drained) }
                    timer.start(afterMilliseconds: 0)
                    worker.keep(timer)
                    try worker.run()
                    ticks.append(worker.context.tick)
                }
            }
            #expect(ticks.last == 0)
        }
    }
}
