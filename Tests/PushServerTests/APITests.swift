import Bytes
import Testing

@testable import PushServer

extension ServerTests {
    @Suite struct APITests {
        private func text(_ server: TestServer, _ path: String, status: Int = 200) throws -> String {
            let answer = try server.request("GET \(path) HTTP/1.1")
            #expect(answer.status == status, "\(path): \(string(answer.body))")
            #expect(isJSON(answer.body))
            return string(answer.body)
        }

        @Test(arguments: [1, 3])
        func channelsOfAllLoopsAreListed(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                #expect(try text(server, "/v1/channels") == #"{"channels":[]}"#)
                let clients = try (0..<4).map { _ in try server.connect() }
                for client in clients { try client.upgrade("/ws?channel=b&channel=a%2Fc") }
                try clients[0].upgradeMore("é")
                #expect(
                    try text(server, "/v1/channels")
                        == #"{"channels":[{"channel":"a/c","subscribers":4},{"channel":"b","subscribers":4},"#
                        + #"{"channel":"é","subscribers":1}]}"#)
                #expect(
                    try text(server, "/v1/channels?limit=1")
                        == #"{"channels":[{"channel":"a/c","subscribers":4}],"next":"a/c"}"#)
                #expect(
                    try text(server, "/v1/channels?after=a%2Fc&match=*b")
                        == #"{"channels":[{"channel":"b","subscribers":4}]}"#)
                #expect(try text(server, "/v1/channels/a%2Fc") == #"{"channel":"a/c","subscribers":4}"#)
                #expect(try text(server, "/v1/channels/x") == #"{"channel":"x","subscribers":0}"#)
            }
        }

        @Test(arguments: [1, 3])
        func connectionsAreListedPageByPage(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                var clients = [TestClient]()
                for number in 0..<7 {
                    clients.append(try server.connect())
                    try clients[number].upgrade("/ws?channel=c\(number % 2)&user_id=u\(number % 3)")
                }
                var names: [String] = []
                var after = ""
                repeat {
                    let body = try text(server, "/v1/connections?limit=2&after=\(after)")
                    let page = try JSONObject(parsing: Array(body.utf8).rawSpan)
                    names += body.split(separator: #""connection":""#).dropFirst().map { String($0.prefix(36)) }
                    after = if case .string(let next) = page["next"] { next } else { "" }
                } while !after.isEmpty
                #expect(names.count == 7 && names == names.sorted())
                #expect(try text(server, "/v1/connections?user=u0").count(of: #""user":"u0""#) == 3)
                #expect(try text(server, "/v1/connections?user=u0&channel=c0").count(of: "connection\"") == 2)
                #expect(try text(server, "/v1/connections?user=nobody") == #"{"connections":[]}"#)
                for client in clients { client.close() }
                try server.wait(for: "the end of all") { $0.value("pushd_connections") == 0 }
                #expect(try text(server, "/v1/connections?user=u0") == #"{"connections":[]}"#)
                _ = try text(server, "/v1/connections/\(names[0])", status: 404)
            }
        }

        @Test func aConnectionIsDescribed() throws {
            try TestServer.run { server in
                let client = try server.connect()
                try client.upgrade("/ws?channel=a&channel=b&user_id=ada", "Sec-WebSocket-Protocol: pushd.v1\r\n")
                let list = try text(server, "/v1/connections")
                let name = try #require(list.split(separator: #""connection":""#).last?.prefix(36))
                #expect(
                    try text(server, "/v1/connections/\(name)")
                        == #"{"connection":"\#(name)","user":"ada","protocol":"pushd.v1","address":"127.0.0.1","#
                        + #""since_s":0,"silent_s":0,"subscriptions":2,"queued_bytes":0,"channels":["a","b"]}"#)
                _ = try text(server, "/v1/connections/\(name.dropLast(8))00000000", status: 404)
                _ = try text(server, "/v1/connections/x", status: 404)
            }
        }

        @Test(arguments: [
            "/v1/channels?limit=0", "/v1/channels?limit=1001", "/v1/channels?limit=x", "/v1/channels?match=",
            "/v1/channels?user=x", "/v1/channels/%", "/v1/channels/%FF", "/v1/channels/%0A", "/v1/channels/c?x=1",
            "/v1/connections?user=a&user=b", "/v1/connections?chanel=a", "/v1/connections?user=%zz",
        ])
        func mistakesAreAnswered(path: String) throws {
            try TestServer.run { server in
                let body = try text(server, path, status: 400)
                #expect(body.contains("error"))
            }
        }

        @Test func listsAreRead() throws {
            try TestServer.run { server in
                let refusal = try server.request("POST /v1/channels HTTP/1.1")
                #expect(refusal.status == 405 && refusal.head.contains("Allow: GET, HEAD\r\n"))
                #expect(try text(server, "/v1/channels/", status: 404).contains("error"))
                let client = try server.connect()
                try client.send("HEAD /v1/channels HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try client.answer(toHead: true).status == 200)
            }
        }

        /// A request that waits for its answer holds back the ones behind it, and is forgotten with its connection.
        @Test func requestsInAPipelineAreAnsweredInOrder() throws {
            try TestServer.run {
                $0.workers = 2
            } _: { server in
                let client = try server.connect()
                let requests = ["/v1/channels", "/v1/channels/a", "/v1/connections", "/health/live", "/v1/channels/b"]
                try client.send(requests.map { "GET \($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }.joined())
                for start in ["{\"channels", "{\"channel\":\"a", "{\"connections", "{\"status", "{\"channel\":\"b"] {
                    #expect(try string(client.answer().body).hasPrefix(start))
                }
                for _ in 0..<20 {
                    let client = try server.connect()
                    try client.send("GET /v1/connections HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    client.reset()
                }
                #expect(try text(server, "/v1/connections") == #"{"connections":[]}"#)
            }
        }
    }
}

extension TestClient {
    fileprivate func upgradeMore(_ channel: String) throws {
        _ = try ask(#"{"action":"subscribe","channel":"\#(channel)"}"#)
    }
}

extension String {
    fileprivate func count(of part: String) -> Int {
        split(separator: part, omittingEmptySubsequences: false).count - 1
    }
}
