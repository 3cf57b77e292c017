import PushServer
import Testing

private let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

extension ServerTests {
    @Suite struct CompressionTests {
        /// At the limit, a client that insists on a context gets no compression instead of another kind.
        @Test func contextsAreBoundedAndGivenBack() throws {
            try TestServer.run({
                $0.compresses = true
                $0.maxDeflateContexts = 2
            }) { server in
                func extensions() throws -> (TestClient, Bool) {
                    let client = try server.connect()
                    try client.send(TestClient.handshake("/ws?context_takeover=1", offer))
                    let head = try client.answer().head
                    #expect(!head.contains("client_no_context_takeover"))
                    return (client, head.contains("Sec-WebSocket-Extensions: permessage-deflate"))
                }
                let first = try extensions()
                let second = try extensions()
                let third = try extensions()
                #expect([first.1, second.1, third.1] == [true, true, false])
                first.0.reset()
                third.0.reset()
                try server.wait(for: "a context given back") { $0.value("pushd_deflate_contexts") == 1 }
                #expect(try extensions().1)
                second.0.close()
            }
        }

        @Test func aClientThatWantsNoContextGetsNone() throws {
            try TestServer.run({ $0.compresses = true }) { server in
                let client = try server.connect()
                let wanting = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
                try client.send(TestClient.handshake("/ws?context_takeover=1", wanting))
                #expect(try client.answer().head.contains("client_no_context_takeover"))
                #expect(try server.metrics().value("pushd_deflate_contexts") == 0)
            }
        }
    }
}
