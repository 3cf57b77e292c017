import PushServer
import Testing

extension ServerTests {
    @Suite struct EndpointTests {
        @Test func pages() throws {
            try TestServer.run {
                $0.pages["/a"] = Page(contentType: "text/plain", body: Array("A".utf8))
            } _: { server in
                let page = try server.request("GET /a?x=1 HTTP/1.1")
                #expect(page.status == 200 && page.body == Array("A".utf8))
                #expect(page.head.contains("Content-Type: text/plain\r\n"))
                #expect(try server.request("GET / HTTP/1.1").head.contains("Content-Type: text/html"), "the demo page")
                #expect(try server.request("GET /b HTTP/1.1").status == 404)
                let refusal = try server.request("POST /a HTTP/1.1")
                #expect(refusal.status == 405 && refusal.head.contains("Allow: GET, HEAD\r\n"))
            }
        }

        @Test func aPageMayReplaceTheDemo() throws {
            try TestServer.run {
                $0.pages["/"] = Page(body: Array("mine".utf8))
            } _: { server in
                try #expect(string(server.request("GET / HTTP/1.1").body) == "mine")
            }
        }

        @Test func aHeadRequestConcernsOneAnswerOnly() throws {
            try TestServer.run { server in
                let client = try server.connect()
                try client.send("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try client.answer(toHead: true).status == 200)
                try client.send("broken\r\n\r\n")
                let refusal = try client.answer()
                #expect(refusal.status == 400 && !refusal.body.isEmpty)
                #expect(try client.takeAll().isEmpty)
            }
        }

        @Test func anAnsweringEndpointTakesLargeMessagesBothWays() throws {
            try TestServer.run {
                $0.maxMessageBytes = 8 << 20
                $0.endpoint = .answering { $0 }
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/anything")
                for count in [0, 1, 125, 126, 65_535, 65_536, 4 << 20] {
                    let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                    try client.send(clientFrame(2, payload))
                    #expect(try client.frame() == ServerFrame(opcode: 2, payload: payload), "\(count) bytes")
                }
                #expect(try client.ask("é") == "é")
                try client.send(clientFrame(2, [UInt8](repeating: 0, count: 8 << 20 | 1)))
                #expect(try client.frame().closeCode == 1009)
            }
        }

        @Test func anAnsweringEndpointMaySayNothing() throws {
            try TestServer.run {
                $0.endpoint = .answering { $0 == .text(Array("quiet".utf8)) ? nil : .binary([7]) }
            } _: { server in
                let client = try server.connect()
                try client.upgrade("/")
                try client.send(clientText("quiet") + clientText("loud"))
                #expect(try client.frame() == ServerFrame(opcode: 2, payload: [7]))
                #expect(try server.request("GET /ws HTTP/1.1").status == 426)
            }
        }
    }
}
