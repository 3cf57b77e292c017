import Access
import Bytes
import PushServer
import Synchronization
import Testing
import WSLoop

extension ServerTests {
    @Suite struct FanOutTests {
        /// Connections are distributed over the workers in turn, so several clients are on both.
        @Test(arguments: [1, 2]) func everySubscriberSeesTheSameOrder(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                let clients = try (0..<6).map { index in
                    let client = try server.connect()
                    try client.upgrade("/ws?channel=c", index % 3 == 0 ? "Sec-WebSocket-Protocol: pushd.v1\r\n" : "")
                    return client
                }
                let publishers = 3
                let messages = 200
                let port = server.port
                try concurrently(publishers) { publisher in
                    let client = try TestClient(port: port)
                    defer { client.close() }
                    for message in 0..<messages { try Self.publish("\(publisher).\(message)", client) }
                }
                let orders = try clients.enumerated().map { index, client in
                    try (0..<publishers * messages).map { _ in
                        let text = try client.frame().text
                        return index % 3 == 0 ? try data(ofEnvelope: text) : text
                    }
                }
                for order in orders { #expect(order == orders[0]) }
                for publisher in 0..<publishers {
                    let own = orders[0].filter { $0.hasPrefix("\(publisher).") }
                    #expect(own == (0..<messages).map { "\(publisher).\($0)" }, "each publisher's own order")
                }
            }
        }

        private static func publish(_ text: String, _ client: TestClient) throws {
            try client.send(
                "POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
            )
            guard string(try client.answer().body) == #"{"channel":"c","subscribers":6}"# else {
                throw TestFailure(description: "not published to all")
            }
        }

        private func data(ofEnvelope text: String) throws -> String {
            let bytes = Array(text.utf8)
            let object = try JSONObject(parsing: bytes.rawSpan)
            guard let range = object.rawRange(of: "data"), object["channel"] == .string("c") else {
                throw TestFailure(description: text)
            }
            return string(bytes[range])
        }

        private func concurrently(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
            let failures = FailureList()
            let threads = try (0..<count).map { index in
                try LoopThread(named: "publisher") {
                    do { try body(index) } catch { failures.add("\(error)") }
                }
            }
            for thread in threads { thread.join() }
            #expect(failures.all.isEmpty)
        }

        @Test(arguments: [1, 2]) func clientsComeAndGoWhileMessagesFlow(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                let steady = try (0..<2).map { _ in try server.connect() }
                for client in steady { try client.upgrade("/ws?channel=c&channel=d") }
                for round in 0..<50 {
                    let guest = try server.connect()
                    try guest.upgrade("/ws?channel=d")
                    #expect(try guest.ask(#"{"action":"subscribe","channel":"c"}"#).contains(#""subscribed""#))
                    let count = string(try server.publish("\(round)", to: "c").body)
                    #expect(count == #"{"channel":"c","subscribers":3}"#)
                    #expect(try guest.frame() == .text("\(round)"))
                    #expect(try guest.ask(#"{"action":"unsubscribe","channel":"c"}"#).contains(#""unsubscribed""#))
                    guest.close()
                    for client in steady { #expect(try client.frame() == .text("\(round)")) }
                }
                try server.wait(for: "the guests are gone") { metrics in
                    metrics.value("pushd_subscriptions") == 4 && metrics.value("pushd_channels") == 2
                        && metrics.value("pushd_connections") == 2
                }
            }
        }

        @Test func clientsPublishWhereTheyHaveJoined() throws {
            try TestServer.run {
                $0.allowsClientPublish = true
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/ws?channel=a")
                #expect(
                    try client.ask(#"{"action":"publish","channel":"a","data":[1, 2],"id":1}"#)
                        == #"{"status":"published","channel":"a","id":1}"#)
                #expect(try client.frame() == .text("[1, 2]"))
                #expect(try client.ask(#"{"action":"publish","channel":"b","data":1,"id":2}"#).contains(#""id":2}"#))
                #expect(try client.ask(#"{"action":"ping"}"#) == #"{"action":"pong"}"#)
            }
        }

        @Test func replacingLeavesAllOthers() throws {
            try TestServer.run {
                $0.maxChannels = 2
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/ws?channel=a&channel=b")
                #expect(try client.ask(#"{"action":"subscribe","channel":"c"}"#).contains("--max-channels"))
                #expect(try client.ask(#"{"action":"subscribe","channel":"b","replace":true}"#).contains("subscribed"))
                #expect(try client.ask(#"{"action":"subscribe","channel":"c","replace":true}"#).contains("subscribed"))
                let metrics = try server.metrics()
                #expect(metrics.value("pushd_subscriptions") == 1 && metrics.value("pushd_channels") == 1)
                try server.publish("x", to: "c")
                #expect(try client.frame() == .text("x"))
            }
        }
    }
}

/// Failures on other threads.
private final class FailureList: Sendable {
    private let failures = Mutex<[String]>([])
    var all: [String] { failures.withLock { $0 } }
    func add(_ failure: String) { failures.withLock { $0.append(failure) } }
}
