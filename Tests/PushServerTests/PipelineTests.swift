import PushServer
import Synchronization
import Testing

extension ServerTests {
    @Suite struct PipelineTests {
        @Test func pipelinedRequestsAreAnsweredInOrder() throws {
            try TestServer.run {
                for index in 0..<50 { $0.pages["/\(index)"] = Page(body: Array("page \(index)".utf8)) }
            } _: { server in
                let client = try server.connect()
                try client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }.joined())
                for index in 0..<50 { #expect(try string(client.answer().body) == "page \(index)") }
                try client.send(
                    (0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" }.joined())
                #expect(try string(client.answer().body) == "page 0")
                #expect(try client.takeAll().isEmpty, "nothing behind Connection: close is answered")
            }
        }

        @Test func framesMayFollowTheHandshakeAtOnce() throws {
            try TestServer.run { server in
                let client = try server.connect()
                let ping = clientText(#"{"action":"ping"}"#)
                try client.send(
                    Array("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8) + TestClient.handshake("/ws") + ping
                        + ping)
                #expect(try client.answer().status == 200)
                try client.takeUpgrade()
                for _ in 0..<2 { #expect(try client.frame() == .text(#"{"action":"pong"}"#)) }
            }
        }

        /// However much it requests, its requests wait in the kernel and its responses stay few.
        @Test func aClientThatDoesNotReadIsPausedAndLaterServed() throws {
            let page = [UInt8](repeating: 7, count: 20_000)
            try TestServer.run {
                $0.pages["/p"] = Page(body: page)
            } _: { server in
                let client = try server.connect(receiveBufferBytes: 4096)
                let padding = String(repeating: "x", count: 8_000)
                let request = Array("GET /p HTTP/1.1\r\nHost: localhost\r\nX: \(padding)\r\n\r\n".utf8)
                let sent = try sendUntilPaused(Array(repeatElement(request, count: 100).joined()), client, server)
                #expect(sent / request.count * page.count > 2_000_000, "far more answers than may be queued")
                try #expect(#require(server.metrics().value("pushd_outbox_bytes_max")) < 300_000)
                // A request may have been cut: complete it, and send one more that ends the connection.
                let cut = sent % request.count
                try readAll(client, sent / request.count + (cut > 0 ? 1 : 0), page) {
                    try client.send(Array(request[cut...].prefix(cut > 0 ? request.count : 0)))
                }
                try client.send("GET /p HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                #expect(try client.answer().body == page)
                #expect(try client.takeAll().isEmpty)
                try #expect(#require(server.metrics().value("pushd_outbox_bytes_max")) < 300_000)
            }
        }

        /// Sends copies of `bytes` until the server has paused and the kernel's buffers are full.
        private func sendUntilPaused(_ bytes: [UInt8], _ client: TestClient, _ server: TestServer) throws -> Int {
            var sent = 0
            var refusals = 0
            while refusals < 20 {
                let start = sent % bytes.count
                let count = client.sendWithoutWaiting(Array(bytes[start...]))
                sent += count
                guard count == 0 else {
                    refusals = 0
                    continue
                }
                // The server runs a turn between two attempts.
                refusals += 1
                #expect(try server.request("GET /health/live HTTP/1.1").status == 200, "others are served")
            }
            return sent
        }

        private func readAll(_ client: TestClient, _ count: Int, _ body: [UInt8], beforeLast: () throws -> Void) throws
        {
            for index in 0..<count {
                if index == count - 1 { try beforeLast() }
                guard try client.answer().body == body else { throw TestFailure(description: "answer \(index)") }
            }
        }

        @Test func aWebSocketThatDoesNotReadItsRepliesIsPausedToo() throws {
            try TestServer.run { server in
                let client = try server.connect(receiveBufferBytes: 4096)
                try client.upgrade()
                let pad = String(repeating: "x", count: 250)
                let ping = clientText(#"{"action":"ping","id":"\#(pad)"}"#)
                let sent = try sendUntilPaused(Array(repeatElement(ping, count: 1000).joined()), client, server)
                try #expect(#require(server.metrics().value("pushd_outbox_bytes_max")) < 300_000)
                let pong = ServerFrame.text(#"{"action":"pong","id":"\#(pad)"}"#)
                for index in 0..<sent / ping.count {
                    guard try client.frame() == pong else { throw TestFailure(description: "reply \(index)") }
                }
            }
        }
    }

    @Suite struct HalfCloseTests {
        @Test func whoeverEndsItsSideStillGetsTheAnswer() throws {
            try TestServer.run { server in
                for request in ["GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /health HTTP/1.0\r\n\r\n"] {
                    let client = try server.connect()
                    try client.send(request)
                    client.endWriting()
                    #expect(try client.answer().status == 200)
                    #expect(try client.takeAll().isEmpty)
                }
            }
        }

        @Test(arguments: ["", "Connection: close\r\n"]) func aLargeAnswerComesWhole(field: String) throws {
            let page = (0..<(12 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 8) }
            try TestServer.run {
                $0.pages["/p"] = Page(body: page)
            } _: { server in
                let client = try server.connect()
                try client.send("GET /p HTTP/1.1\r\nHost: localhost\r\n\(field)\r\n")
                client.endWriting()
                // The server sees the end of the stream before most of the response is read.
                for _ in 0..<3 { #expect(try server.request("GET /health/live HTTP/1.1").status == 200) }
                #expect(try client.answer().body == page)
                #expect(try client.takeAll().isEmpty)
            }
        }

        @Test func allPipelinedRequestsOfAHalfClosedClientAreAnswered() throws {
            let page = [UInt8](repeating: 7, count: 40_000)
            try TestServer.run {
                $0.pages["/p"] = Page(body: page)
            } _: { server in
                let client = try server.connect(receiveBufferBytes: 4096)
                try client.send(String(repeating: "GET /p HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 500))
                client.endWriting()
                for _ in 0..<500 { #expect(try client.answer().body == page) }
                #expect(try client.takeAll().isEmpty)
            }
        }

        /// The server is held at the first of many messages until another client has sent one too.
        @Test func manySmallMessagesDoNotHoldUpAnotherClient() throws {
            let (began, goOn) = (try Signal(), try Signal())
            let order = Mutex<[String]>([])
            try TestServer.run {
                $0.workers = 1
                $0.endpoint = .answering { message in
                    guard case .text(let text) = message else { return nil }
                    let isFirst = order.withLock { order in
                        order.append(string(text))
                        return order.count == 1
                    }
                    if isFirst {
                        began.raise()
                        try? goOn.wait()
                    }
                    return message
                }
            } _: { server in
                let (busy, other) = (try server.connect(), try server.connect())
                try busy.upgrade("/")
                try other.upgrade("/")
                try busy.send(Array(repeatElement(clientText("busy"), count: 5000).joined()))
                try began.wait()
                try other.send(clientText("other"))
                goOn.raise()
                for _ in 0..<5000 { #expect(try busy.frame() == .text("busy")) }
                #expect(try other.frame() == .text("other"))
                let place = try #require(order.withLock { $0.firstIndex(of: "other") })
                #expect(place <= 1024, "the busy client's share of the turn and of its end")
            }
        }

        @Test func anUnfinishedRequestOfAHalfClosedClientEndsIt() throws {
            try TestServer.run { server in
                let client = try server.connect()
                try client.send("GET /health HTTP/1.1\r\nHo")
                client.endWriting()
                #expect(try client.takeAll().isEmpty)
            }
        }
    }
}
