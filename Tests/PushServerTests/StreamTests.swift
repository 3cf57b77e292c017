import Access
import PushServer
import Testing

extension ServerTests {
    @Suite struct StreamTests {
        @Test func messagesAreEvents() throws {
            try TestServer.run { server in
                let client = try server.connect()
                let head = try client.openStream("/sse?channel=c")
                #expect(head.contains("Content-Type: text/event-stream\r\n") && head.contains("Connection: close\r\n"))
                #expect(head.contains("Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"))
                #expect(head.contains("X-Content-Type-Options: nosniff\r\n"))
                #expect(!head.contains("Content-Length") && !head.contains("Access-Control"))
                try server.publish("one\ntwo", to: "c")
                #expect(try client.event() == "data: one\ndata: two\n\n")
                #expect(try string(server.publish("three", to: "c").body).hasSuffix(#""subscribers":1}"#))
                #expect(try client.event() == "data: three\n\n")
            }
        }

        @Test(arguments: [1, 3]) func theEnvelopeNamesTheChannel(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                let (two, one) = (try server.connect(), try server.connect())
                try two.openStream("/sse?channel=a&channel=b")
                try one.openStream("/sse?channel=a&envelope=1")
                try server.publish("1", to: "a")
                try server.publish("x", to: "b")
                #expect(try one.event() == "data: {\"channel\":\"a\",\"data\":1}\n\n")
                let events = [try two.event(), try two.event()]
                #expect(events.contains("data: {\"channel\":\"a\",\"data\":1}\n\n"))
                #expect(events.contains("data: {\"channel\":\"b\",\"data\":\"x\"}\n\n"))
            }
        }

        @Test func aRequestMayComeInPiecesAndTheClientMayGoAwayAtEveryByte() throws {
            try TestServer.run {
                $0.maxConnections = 4
            } _: { server in
                let request = Array("GET /sse?channel=a&channel=b HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
                for cut in 0...request.count {
                    let client = try server.connect()
                    try client.send(Array(request[..<cut]))
                    if cut % 3 == 0 { client.endWriting() }
                    if cut % 2 == 0 { client.close() } else { client.reset() }
                }
                try server.wait(for: "all are gone") { metrics in
                    metrics.value("pushd_connections") == 0 && metrics.value("pushd_subscriptions") == 0
                }
                let clients = try (0..<4).map { _ in try server.connect() }
                for client in clients { try client.openStream("/sse") }
                #expect(try server.request("GET /health/ready HTTP/1.1").status == 503, "full")
                #expect(try server.request("GET /sse HTTP/1.1").status == 503)
                let metrics = try server.metrics()
                #expect(metrics.value("pushd_connections") == 4 && metrics.value("pushd_event_streams") == 4)
                #expect(try #require(metrics.value(#"pushd_handshakes_total{status="200"}"#)) >= 4)
            }
        }

        @Test func whatTheClientSendsIsDroppedAndItsEndEndsTheStream() throws {
            try TestServer.run { server in
                let client = try server.connect()
                try client.openStream("/sse?channel=c")
                try client.send(
                    "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", [UInt8](repeating: 0, count: 300_000))
                try server.publish("only this", to: "c")
                #expect(try client.event() == "data: only this\n\n")
                client.endWriting()
                #expect(try client.takeAll().isEmpty)
                try server.wait(for: "its end") {
                    $0.value(#"pushd_connections_closed_total{reason="client"}"#) == 1
                        && $0.value("pushd_event_streams") == 0 && $0.value("pushd_subscriptions") == 0
                }
            }
        }

        @Test func aClientThatSendsWithoutAnEndIsEndedByItsRate() throws {
            try TestServer.run {
                $0.maxMessageRate = Limit(3)
            } _: { server in
                let client = try server.connect()
                try client.openStream("/sse?channel=c")
                let patience = Patience()
                while try server.metrics().value("pushd_event_streams") == 1 {
                    _ = client.sendWithoutWaiting([0])
                    try patience.check("the end of the stream")
                }
                #expect(try string(client.takeAll()).contains(#""code":4429"#))
            }
        }

        @Test func commentsComeWithoutAnyMessage() throws {
            try TestServer.run {
                $0.pingInterval = .seconds(1)
            } _: { server in
                let client = try server.connect()
                try client.openStream("/sse?channel=c")
                for _ in 0..<2 { #expect(try client.line() == ":\n") }
            }
        }

        @Test func aSlowReaderIsEndedWithAWholeEventAndToldWhy() throws {
            let large = String(repeating: "m", count: 400_000)
            try TestServer.run {
                $0.outboxLimitBytes = 1 << 20
            } _: { server in
                let slow = try server.connect(receiveBufferBytes: 4096)
                try slow.openStream("/sse?channel=c")
                let patience = Patience()
                while try server.metrics().value(#"pushd_dropped_total{policy="disconnect"}"#) == 0 {
                    try server.publish(large, to: "c")
                    try patience.check("a slow consumer")
                }
                let events = blocks(try slow.takeAll())
                #expect(events.last == "")
                #expect(
                    events.dropLast().last
                        == "event: close\ndata: " + #"{"event":"close","code":1013,"reason":"too slow"}"#)
                #expect(events.count > 2 && events.dropLast(2).allSatisfy { $0 == "data: \(large)" })
                slow.close()
                try server.wait(for: "it is counted") {
                    $0.value(#"pushd_connections_closed_total{reason="slow_consumer"}"#) == 1
                }
            }
        }

        @Test func aDrainTellsEachClientWhenToComeBack() throws {
            let server = try TestServer()
            let clients = try (0..<8).map { _ in try server.connect() }
            for client in clients { try client.openStream("/sse?channel=c") }
            server.server.drain()
            var times: Set<String> = []
            for client in clients {
                let text = string(try client.takeAll())
                #expect(text.hasPrefix("retry: ") && text.contains(#""code":1001"#))
                times.insert(String(text.prefix { $0 != "\n" }))
            }
            #expect(times.count > 1, "not all at once")
            server.join()
        }

        /// What is between empty lines.
        private func blocks(_ bytes: [UInt8]) -> [String] {
            var blocks = [""]
            for line in string(bytes).split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                if line.isEmpty { blocks.append("") } else { blocks[blocks.count - 1] += "\(line)\n" }
            }
            return blocks.map { String($0.dropLast()) }
        }

        @Test func onlyGET() throws {
            try TestServer.run { server in
                for method in ["HEAD", "POST", "PUT", "OPTIONS"] {
                    let client = try server.connect()
                    try client.send("\(method) /sse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
                    let answer = try client.answer(toHead: method == "HEAD")
                    #expect(answer.status == 405 && answer.head.contains("Allow: GET\r\n"), "\(method)")
                }
            }
        }

        @Test(arguments: [
            ("/sse?channel=%0A", "", 400), ("/sse?channel=", "", 400), ("/sse?envelope=2", "", 400),
            ("/sse?envelope=1&envelope=0", "", 400), ("/sse?user_id=a&user_id=b", "", 400),
            ("/sse", "Origin: http://evil.example\r\n", 403),
        ])
        func refusals(target: String, field: String, status: Int) throws {
            try TestServer.run {
                $0.maxConnections = 1
            } _: { server in
                let client = try server.connect()
                try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(field)\r\n")
                #expect(try client.answer().status == status)
                #expect(try server.metrics().value("pushd_subscriptions") == 0)
                try server.connect().openStream("/sse")  // its place was given back
            }
        }

        @Test func aProgramThatAnswersMessagesHasNoStreams() throws {
            try TestServer.run {
                $0.endpoint = .answering { $0 }
            } _: { server in
                let answer = try server.request("GET /sse HTTP/1.1")
                #expect(answer.status == 404)
            }
        }
    }
}

extension TestClient {
    /// Opens an event stream and consumes its head and the time to come back; returns the head.
    @discardableResult
    func openStream(_ target: String) throws -> String {
        try send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let answer = try answer()
        guard answer.status == 200 else { throw TestFailure(description: "no stream: \(answer)") }
        let first = try line()
        guard first.hasPrefix("retry: ") else { throw TestFailure(description: "no time to come back: \(first)") }
        return answer.head
    }

    /// Waits for the next line.
    func line() throws -> String {
        var bytes: [UInt8] = []
        while bytes.last != 10 { bytes += try take(1) }
        return string(bytes)
    }

    /// Waits for the next event, with the empty line after it.
    func event() throws -> String {
        var bytes: [UInt8] = []
        while !bytes.suffix(2).elementsEqual([10, 10]) { bytes += try take(1) }
        return string(bytes)
    }
}
