import Bytes
import Channels
import Testing

@testable import PushServer

extension ServerTests {
    @Suite struct TraceTests {
        /// The JSON text of the next event.
        private func next(_ trace: TestClient) throws -> String {
            let event = try trace.event()
            #expect(event.hasPrefix("data: {\"event\":\"") && event.hasSuffix("}\n\n"))
            let text = String(event.dropFirst(6).dropLast(2))
            #expect(isJSON(Array(text.utf8)), "\(text)")
            return text
        }

        private func opened(_ server: TestServer, _ query: String) throws -> TestClient {
            let trace = try server.connect()
            try trace.openStream("/v1/trace?\(query)")
            return trace
        }

        @Test func theLifeOfAUser() throws {
            try TestServer.run {
                $0.allowsClientPublish = true
            } _: { server in
                let trace = try opened(server, "user=ada")
                let (client, other) = (try server.connect(), try server.connect())
                try client.upgrade("/ws?channel=a&user_id=ada", "Sec-WebSocket-Protocol: pushd.v1\r\n")
                try other.upgrade("/ws?channel=a&user_id=bob")
                let connected = try next(trace)
                #expect(connected.contains(#""event":"connected""#) && connected.contains(#""user":"ada""#))
                #expect(connected.contains(#""channels":["a"],"protocol":"pushd.v1","address":"127.0.0.1"}"#))
                _ = try client.ask(#"{"action":"subscribe","channel":"b"}"#)
                #expect(try next(trace).contains(#""channel":"b"}"#))
                _ = try client.ask(#"{"action":"publish","channel":"c","data":1}"#)
                let refused = try next(trace)
                #expect(refused.contains(#""event":"refused""#) && refused.contains(#""code":"not_subscribed""#))
                try server.publish("hello", to: "b")
                #expect(try next(trace).hasSuffix(#""channel":"b","bytes":5,"subscribers":1}"#))
                _ = try client.frame()
                _ = try client.ask(#"{"action":"unsubscribe","channel":"b"}"#)
                #expect(try next(trace).contains("unsubscribed"))
                try client.send(clientFrame(8, [3, 232]))
                let closed = try next(trace)
                #expect(closed.contains(#""event":"closed""#) && closed.hasSuffix(#""user":"ada","reason":"client"}"#))
                #expect(try server.request("GET /ws?user_id=ada&channel=%0A HTTP/1.1").status == 426)
                #expect(try next(trace).contains(#""status":426"#))
            }
        }

        @Test(arguments: [1, 3]) func theLifeOfAChannel(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                let trace = try opened(server, "channel=a")
                let clients = try (0..<6).map { _ in try server.connect() }
                for (number, client) in clients.enumerated() {
                    if number % 2 == 0 {
                        try client.upgrade("/ws?channel=a&channel=b")
                    } else {
                        try client.openStream("/sse?channel=a")
                    }
                    #expect(try next(trace).contains("connected"))
                }
                try server.connect().upgrade("/ws?channel=b")
                for client in clients { client.reset() }
                for _ in clients { #expect(try next(trace).contains(#""event":"closed""#)) }
            }
        }

        @Test func theLifeOfAConnection() throws {
            try TestServer.run { server in
                let (client, other) = (try server.connect(), try server.connect())
                try client.upgrade("/ws?channel=a&user_id=ada")
                try other.upgrade("/ws?channel=b&user_id=ada")
                let list = string(try server.request("GET /v1/connections?channel=a HTTP/1.1").body)
                let name = try #require(list.split(separator: #""connection":""#).last?.prefix(36))
                let trace = try opened(server, "connection=\(name)&user=ada")
                try server.publish("1", to: "b")
                try server.publish("2", to: "a")
                #expect(try next(trace).contains(#""event":"message","#))
                _ = try client.frame()
                _ = try client.ask(#"{"action":"ping"}"#)
                let pinged = try next(trace)
                #expect(pinged.contains(#""event":"pinged""#) && pinged.contains(name))
            }
        }

        @Test func dropsAreReported() throws {
            try TestServer.run {
                $0.outboxLimitBytes = 1 << 20
                $0.slowConsumers = .init(.dropOldest)
            } _: { server in
                let trace = try opened(server, "user=slow")
                let slow = try server.connect(receiveBufferBytes: 4096)
                try slow.upgrade("/ws?channel=c&user_id=slow")
                let large = String(repeating: "m", count: 400_000)
                let patience = Patience()
                while try server.metrics().value(#"pushd_dropped_total{policy="drop-oldest"}"#) == 0 {
                    try server.publish(large, to: "c")
                    try patience.check("a drop")
                }
                var names: Set<String> = []
                while !names.isSuperset(of: ["connected", "message", "blocked", "dropped"]) {
                    names.insert(String(try next(trace).split(separator: "\"")[3]))
                }
            }
        }

        @Test func aTraceThatIsNotReadLosesEventsAndIsToldHowMany() throws {
            try TestServer.run { server in
                let trace = try server.connect(receiveBufferBytes: 4096)
                try trace.openStream("/v1/trace?channel=c")
                let client = try server.connect()
                try client.upgrade("/ws?channel=c")
                let patience = Patience()
                var published = 0
                // Until the kernel takes no more, and then some.
                while try server.metrics().value("pushd_outbox_bytes") ?? 0 < 65_536 {
                    for _ in 0..<200 { try client.send(clientText(#"{"action":"ping"}"#)) }
                    for _ in 0..<200 { _ = try client.frame() }
                    published += 200
                    try patience.check("a trace that is behind")
                }
                #expect(try #require(try server.metrics().value("pushd_outbox_bytes")) < 2 * 65_536)
                var (events, lost) = (0, 0)
                while events + lost < published + 1 {
                    let text = try next(trace)
                    if text.hasPrefix(#"{"event":"lost","events":"#) {
                        lost += try #require(Int(text.dropFirst(25).dropLast()))
                    } else {
                        events += 1
                    }
                }
                #expect(events + lost == published + 1 && lost > 0)
            }
        }

        @Test func tracesAreFew() throws {
            try TestServer.run { server in
                let traces = try (0..<8).map { _ in try opened(server, "channel=c") }
                #expect(try server.request("GET /v1/trace?channel=c HTTP/1.1").status == 503)
                #expect(try server.metrics().value("pushd_connections") == 0)
                #expect(string(try server.request("GET /v1/connections HTTP/1.1").body) == #"{"connections":[]}"#)
                for trace in traces { trace.close() }
                let patience = Patience()
                while true {
                    let client = try server.connect()
                    try client.send("GET /v1/trace?channel=c HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    if try client.answer().status == 200 { break }
                    try patience.check("room for another trace")
                }
            }
        }

        @Test(arguments: [
            ("GET /v1/trace", 400), ("GET /v1/trace?connection=x", 400), ("GET /v1/trace?chanel=c", 400),
            ("GET /v1/trace?user=", 400), ("HEAD /v1/trace?user=a", 405), ("POST /v1/trace?user=a", 405),
        ])
        func refusals(request: String, status: Int) throws {
            try TestServer.run { server in
                let client = try server.connect()
                try client.send("\(request) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
                #expect(try client.answer(toHead: request.hasPrefix("HEAD")).status == status)
            }
        }
    }
}
