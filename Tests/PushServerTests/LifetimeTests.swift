import Glibc
import Logging
import PushServer
import Testing
import WSLoop

extension ServerTests {
    @Suite struct DrainTests {
        @Test(arguments: [1, 2]) func aDrainTellsEveryoneAndEnds(workers: Int) throws {
            let server = try TestServer {
                $0.workers = workers
                $0.drain = .milliseconds(300)
            }
            defer { server.end() }
            let clients = try (0..<6).map { _ in try server.connect() }
            for client in clients { try client.upgrade() }
            let waiting = try server.connect()
            try waiting.send("GET ")
            let open = try server.connect()
            try open.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try open.answer().status == 200)
            server.server.drain()
            for client in clients {
                #expect(try client.frame() == .close(1001, "server is going away"))
                try client.send(clientFrame(8, [3, 233]))
                #expect(try client.takeAll().isEmpty)
            }
            #expect(try open.takeAll().isEmpty)
            #expect(try waiting.takeAll().isEmpty)
            server.join()
            #expect(server.hasEnded)
            #expect(throws: TestFailure.self, "nobody listens any more") { try server.connect() }
        }

        @Test func whileDrainingOpenConnectionsAreAnsweredAndNewWebSocketsRefused() throws {
            try TestServer.run {
                $0.drain = .seconds(3600)
            } _: { server in
                // The second client keeps the drain from ending.
                let clients = try (0..<2).map { _ in try server.connect() }
                for client in clients { try client.upgrade() }
                let (health, ready, late) = (try server.connect(), try server.connect(), try server.connect())
                for client in [health, ready, late] {
                    try client.send("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    #expect(try client.answer().status == 200)
                }
                server.server.drain()
                try health.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try health.answer()
                #expect(answer.status == 200 && answer.head.contains("Connection: close\r\n"))
                #expect(string(answer.body).hasPrefix(#"{"status":"draining","connections":"#))
                try ready.send("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try ready.answer().status == 503)
                try late.send(TestClient.handshake("/ws"))
                #expect(try late.answer().status == 503)
                #expect(!server.hasEnded)
            }
        }

        @Test func aClientThatIgnoresItsCloseDoesNotHoldTheDrainUp() throws {
            let server = try TestServer()
            defer { server.end() }
            let client = try server.connect()
            try client.upgrade()
            server.server.drain()
            #expect(try client.frame().closeCode == 1001)
            server.join()
            #expect(server.hasEnded)
        }

        @Test(arguments: [1, 2]) func aStopEndsAtOnce(workers: Int) throws {
            let server = try TestServer {
                $0.workers = workers
                $0.drain = .seconds(3600)
            }
            let clients = try (0..<4).map { _ in try server.connect() }
            for client in clients { try client.upgrade() }
            server.server.drain()
            server.server.stop()
            server.join()
            for client in clients {
                let rest = try? client.takeAll()
                #expect(rest == nil || rest?.isEmpty == true || rest?.first == 0x88)
            }
        }
    }

    @Suite struct KeepAliveTests {
        @Test func aSilentClientThatAnswersPingsStays() throws {
            try TestServer.run {
                $0.pingInterval = .milliseconds(250)
                $0.pongTimeout = .milliseconds(500)
            } _: { server in
                let client = try server.connect()
                try client.upgrade()
                for _ in 0..<4 {
                    let ping = try client.frame()
                    #expect(ping.opcode == 9)
                    try client.send(clientFrame(10, ping.payload))
                }
                #expect(try client.ask(#"{"action":"ping"}"#) == #"{"action":"pong"}"#)
            }
        }

        @Test func aSilentClientThatDoesNotIsEnded() throws {
            try TestServer.run {
                $0.pingInterval = .milliseconds(250)
                $0.pongTimeout = .milliseconds(250)
            } _: { server in
                let client = try server.connect()
                try client.upgrade()
                #expect(try client.frame().opcode == 9)
                #expect(try client.takeAll().isEmpty)
                #expect(try server.metrics().value(#"pushd_connections_closed_total{reason="ping_timeout"}"#) == 1)
            }
        }

        @Test func aRequestThatIsNotFinishedInTimeIsAnswered() throws {
            try TestServer.run {
                $0.handshakeTimeout = .milliseconds(250)
            } _: { server in
                let silent = try server.connect()
                let slow = try server.connect()
                try slow.send("GET /ws HTTP/1.1\r\nHost:")
                #expect(try slow.answer().status == 408)
                #expect(try slow.takeAll().isEmpty)
                #expect(try silent.takeAll().isEmpty, "silence is not answered")
            }
        }
    }

    /// In separate processes, because the descriptors of the whole process are counted.
    @Suite struct DescriptorTests {
        @Test func anAddressInUseLeavesNothingBehind() async {
            await #expect(processExitsWith: .success) {
                let starts = 10
                let blocker = try TestServer()
                let before = SystemLimits.openDescriptors()
                for start in 0..<starts {
                    let path = "/tmp/pushd-test-\(getpid()).sock"
                    var configuration = ServerConfiguration()
                    configuration.workers = 1 + start % 2
                    configuration.listen = [.unix(path: path), .tcp(host: "127.0.0.1", port: blocker.port)]
                    let server = Server(configuration: configuration, logger: Logger(label: "test"))
                    let error = try #require(throws: SystemError.self) { try server.run() }
                    try #require(error.code == EADDRINUSE && error.operation == "listen on 127.0.0.1:\(blocker.port)")
                    try #require(unsafe access(path, F_OK) != 0, "the unix socket's file is gone")
                }
                // The system's libraries may open descriptors of their own in the meantime, but not at each start.
                try #require(SystemLimits.openDescriptors() < before + starts / 2)
                blocker.end()
            }
        }

        @Test func clientsLeaveNoDescriptorBehind() async {
            await #expect(processExitsWith: .success) {
                try TestServer.run {
                    $0.workers = 2
                } _: { server in
                    let before = try #require(server.scrape().value("pushd_open_fds"))
                    for round in 0..<200 {
                        let client = try server.connect()
                        switch round % 5 {
                        case 0: break
                        case 1: try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        case 2: try client.send(TestClient.handshake("/ws?channel=\(round)"))
                        case 3:
                            try client.upgrade("/ws?channel=\(round)")
                            try client.send(clientFrame(8, [3, 232]))
                            try #require(client.frame().closeCode == 1000)
                        default: try client.upgrade()
                        }
                        if round % 2 == 0 { client.close() } else { client.reset() }
                    }
                    try server.wait(for: "all are closed") {
                        $0.value("pushd_connections") == 0 && $0.value("pushd_channels") == 0
                    }
                    let patience = Patience()
                    while try server.scrape().value("pushd_open_fds") != before {
                        try patience.check("no descriptor left behind")
                    }
                }
            }
        }

        @Test func aServerThatEndedLeavesNoDescriptorBehind() async {
            await #expect(processExitsWith: .success) {
                let before = SystemLimits.openDescriptors()
                for round in 0..<20 {
                    try TestServer.run {
                        $0.workers = 1 + round % 2
                    } _: { server in
                        let clients = try (0..<10).map { _ in try server.connect() }
                        for client in clients.prefix(5) { try client.upgrade() }
                        if round % 3 == 0 { server.server.drain() }
                        server.end()
                    }
                }
                // libuv keeps a pipe for signals from the first loop on.
                let patience = 4
                try #require(SystemLimits.openDescriptors() <= before + patience)
            }
        }
    }
}
