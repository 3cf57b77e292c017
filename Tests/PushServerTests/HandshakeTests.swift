import Access
import PushServer
import Testing

extension ServerTests {
    @Suite struct HandshakeTests {
        @Test func aHandshakeMayComeInPieces() throws {
            try TestServer.run { server in
                let handshake = TestClient.handshake("/ws?channel=a") + clientText(#"{"action":"ping"}"#)
                for cut in 1..<handshake.count {
                    let client = try server.connect()
                    try client.send(Array(handshake[..<cut]))
                    // A response on another connection shows that the first piece was read, if it arrived first.
                    if cut % 16 == 0 { _ = try server.request("GET /health/live HTTP/1.1") }
                    try client.send(Array(handshake[cut...]))
                    try client.takeUpgrade()
                    #expect(try client.frame() == .text(#"{"action":"pong"}"#), "cut at \(cut)")
                    client.close()
                }
            }
        }

        @Test func aClientMayGoAwayAtEveryByte() throws {
            try TestServer.run {
                $0.maxConnections = 4
            } _: { server in
                let handshake = TestClient.handshake("/ws?channel=a&channel=b") + clientText(#"{"action":"ping"}"#)
                for cut in 0...handshake.count {
                    let client = try server.connect()
                    try client.send(Array(handshake[..<cut]))
                    if cut % 2 == 0 { client.close() } else { client.reset() }
                }
                try server.wait(for: "all are gone") { metrics in
                    metrics.value("pushd_connections") == 0 && metrics.value("pushd_subscriptions") == 0
                }
                // Every place for a WebSocket has been released.
                let clients = try (0..<4).map { _ in try server.connect() }
                for client in clients { try client.upgrade() }
                #expect(try server.request("GET /health/ready HTTP/1.1").status == 503, "full")
            }
        }

        @Test func pastTheLimitAHandshakeIsRefusedUntilOneLeaves() throws {
            try TestServer.run {
                $0.maxConnections = 1
            } _: { server in
                let first = try server.connect()
                try first.upgrade()
                let second = try server.connect()
                for _ in 0..<3 {
                    try second.send(TestClient.handshake("/ws"))
                    let refusal = try second.answer()
                    #expect(refusal.status == 503 && refusal.head.contains("Retry-After: "))
                }
                try first.send(clientFrame(8, [3, 232]))
                #expect(try first.frame() == .close(1000))
                first.close()
                try server.wait(for: "the place is free") { $0.value("pushd_connections") == 0 }
                try second.upgrade()
            }
        }

        @Test func refusedHandshakesTakeNothing() throws {
            try TestServer.run {
                $0.maxConnections = 1
            } _: { server in
                let client = try server.connect()
                for (target, fields, status) in [
                    ("/ws?channel=%0A", "", 400), ("/ws?channel=%00", "", 400), ("/ws?user_id=a&user_id=b", "", 400),
                    ("/ws", "Origin: http://evil.example\r\n", 403), ("/ws", "Sec-WebSocket-Protocol: a, a\r\n", 400),
                ] {
                    try client.send(TestClient.handshake(target, fields))
                    #expect(try client.answer().status == status, "\(target) \(fields)")
                }
                #expect(try server.metrics().value("pushd_subscriptions") == 0)
                try client.upgrade("/ws", "Sec-WebSocket-Protocol: x, pushd.v1\r\n")
                let metrics = try server.metrics()
                #expect(metrics.value(#"pushd_handshakes_total{status="101"}"#) == 1)
                #expect(metrics.value(#"pushd_handshakes_total{status="400"}"#) == 4)
                #expect(metrics.value(#"pushd_handshakes_total{status="403"}"#) == 1)
            }
        }

        @Test func channelsAreToldApartByTheirBytes() throws {
            try TestServer.run { server in
                let client = try server.connect()
                // é as one scalar and as two: equal as Swift strings, different channels.
                try client.upgrade("/ws?channel=%C3%A9&channel=e%CC%81")
                try server.publish("one", to: "%C3%A9")
                #expect(try client.frame() == .text("one"))
                #expect(try string(server.publish("two", to: "e%CC%81").body).hasSuffix(#""subscribers":1}"#))
                #expect(try client.frame() == .text("two"))
                _ = try client.ask("{\"action\":\"subscribe\",\"channel\":\"e\u{301}\",\"replace\":true}")
                #expect(try string(server.publish("three", to: "%C3%A9").body).hasSuffix(#""subscribers":0}"#))
            }
        }
    }
}
