import PushServer
import Testing

extension ServerTests {
    @Suite struct BackpressureTests {
        private static let large = String(repeating: "m", count: 400_000)

        @Test func aSlowConsumerGetsItsBegunFrameWholeAndIsToldWhy() throws {
            try TestServer.run {
                $0.outboxLimitBytes = 1 << 20
            } _: { server in
                let slow = try server.connect(receiveBufferBytes: 4096)
                try slow.upgrade("/ws?channel=c")
                let fast = try server.connect()
                try fast.upgrade("/ws?channel=c")
                var published = 0
                while try server.metrics().value(#"pushd_dropped_total{policy="disconnect"}"#) == 0 {
                    guard published < 100 else { throw TestFailure(description: "never too slow") }
                    try server.publish(BackpressureTests.large, to: "c")
                    published += 1
                    #expect(try fast.frame() == .text(BackpressureTests.large), "the others do not suffer")
                }
                let frames = try slow.framesUntilClose()
                #expect(frames.last == .close(1013, "too slow"))
                #expect(frames.count > 1 && frames.dropLast().allSatisfy { $0 == .text(BackpressureTests.large) })
                #expect(frames.count <= published)
                try slow.send(clientFrame(8, [3, 245]))
                #expect(try slow.takeAll().isEmpty)
                try server.wait(for: "it is counted") {
                    $0.value(#"pushd_connections_closed_total{reason="slow_consumer"}"#) == 1
                        && $0.value("pushd_connections") == 1
                }
                #expect(try string(server.publish("x", to: "c").body) == #"{"channel":"c","subscribers":1}"#)
            }
        }

        @Test func overTheBudgetTheLargestQueueIsShed() throws {
            try TestServer.run {
                $0.outboxLimitBytes = 64 << 20
                $0.outboxBudgetBytes = 8 << 20
            } _: { server in
                let (large, small) = (try server.connect(receiveBufferBytes: 4096), try server.connect())
                try large.upgrade("/ws?channel=l")
                try small.upgrade("/ws?channel=s")
                var published = 0
                while try server.metrics().value("pushd_dropped_total{policy=\"over_budget\"}") == 0 {
                    guard published < 200 else { throw TestFailure(description: "never over budget") }
                    try server.publish("s\(published)", to: "s")
                    #expect(try small.frame() == .text("s\(published)"))
                    try server.publish(BackpressureTests.large, to: "l")
                    published += 1
                }
                #expect(try large.framesUntilClose().last == .close(1013, "server over budget"))
                try large.send(clientFrame(8, [3, 245]))
                #expect(try small.ask(#"{"action":"ping"}"#) == #"{"action":"pong"}"#)
                try server.wait(for: "it is counted") {
                    $0.value(#"pushd_connections_closed_total{reason="over_budget"}"#) == 1
                }
            }
        }

        /// Bytes that have left a queue, in any way, no longer count against the budget.
        @Test(arguments: [1, 2]) func theBudgetIsForWhatIsQueuedNow(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
                $0.outboxLimitBytes = 64 << 20
                $0.outboxBudgetBytes = 8 << 20
            } _: { server in
                let client = try server.connect(receiveBufferBytes: 4096)
                try client.upgrade("/ws?channel=c")
                for _ in 0..<4 {
                    for _ in 0..<12 { try server.publish(BackpressureTests.large, to: "c") }
                    for _ in 0..<12 { #expect(try client.frame() == .text(BackpressureTests.large)) }
                    try server.wait(for: "nothing is queued") { $0.value("pushd_outbox_bytes") == 0 }
                }
                #expect(try client.ask(#"{"action":"ping"}"#) == #"{"action":"pong"}"#)
            }
        }

        /// Responses that are sent at once must not make room in the budget for queues.
        @Test func requestsDoNotWidenTheBudget() throws {
            let page = Page(body: [UInt8](repeating: 1, count: 60_000))
            try TestServer.run {
                $0.outboxLimitBytes = 64 << 20
                $0.outboxBudgetBytes = 4 << 20
                $0.pages["/p"] = page
            } _: { server in
                let other = try server.connect()
                for _ in 0..<500 {
                    try other.send("GET /p HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    #expect(try other.answer().status == 200)
                }
                let client = try server.connect(receiveBufferBytes: 4096)
                try client.upgrade("/ws?channel=c")
                for _ in 0..<25 { try server.publish(BackpressureTests.large, to: "c") }
                try #expect(#require(server.metrics().value("pushd_outbox_bytes")) <= 4_194_304)
                #expect(try client.framesUntilClose().last == .close(1013, "server over budget"))
            }
        }

        /// An HTTP client whose responses were dropped must not get later ones in their place.
        @Test func aShedHTTPClientIsEnded() throws {
            let pages = (0..<2).map { Page(body: [UInt8](repeating: $0, count: 6 << 20)) }
            try TestServer.run {
                $0.outboxBudgetBytes = 3 << 20
                $0.pages = ["/0": pages[0], "/1": pages[1]]
            } _: { server in
                let client = try server.connect(receiveBufferBytes: 4096)
                try client.send("GET /0 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                for _ in 0..<3 { #expect(try server.request("GET /health/live HTTP/1.1").status == 200) }
                #expect(throws: TestFailure.self, "neither a second answer nor a silent connection") {
                    _ = try client.answer()
                    _ = try client.answer()
                }
            }
        }
    }
}
