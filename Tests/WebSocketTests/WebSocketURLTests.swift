import Testing
import WebSocket

@Suite struct WebSocketURLTests {
    @Test(
        arguments: [
            ("http://h:81/ws", "ws://h:81/ws"), ("HTTPS://h/ws", "wss://h/ws"),
            ("localhost:8081/ws", "ws://localhost:8081/ws"),
            ("h", "ws://h"), ("ftp://h", nil), ("http://", nil), ("", nil), ("h:x", nil),
        ] as [(String, String?)])
    func anAddressWithAnotherScheme(text: String, meant: String?) {
        #expect(WebSocketURL.meant(by: text) == meant)
    }

    @Test(
        arguments: [
            ("ws://localhost", "localhost", "localhost", 80, "/"),
            ("WS://localhost:8081", "localhost:8081", "localhost", 8081, "/"),
            ("ws://127.0.0.1:1/ws", "127.0.0.1:1", "127.0.0.1", 1, "/ws"),
            ("ws://[::1]:8081/ws?a=b:c", "[::1]:8081", "::1", 8081, "/ws?a=b:c"),
            ("ws://[::1]?a=b", "[::1]", "::1", 80, "/?a=b"),
            ("ws://", "", "", 80, "/"), ("wss://localhost", "localhost", "localhost", 443, "/"),
            ("WSS://[::1]:8443/ws", "[::1]:8443", "::1", 8443, "/ws"),
        ] as [(String, String, String, UInt16, String)])
    func anAddressIsTakenApart(text: String, authority: String, host: String, port: UInt16, target: String) throws {
        let url = try #require(WebSocketURL(parsing: text))
        #expect(url.authority == authority)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(url.isSecure == text.lowercased().hasPrefix("wss:"))
    }

    @Test(arguments: [
        "", "localhost", "http://localhost", "wsss://localhost", "ws:/localhost", "ws://h:", "ws://h:x", "ws://h:65536",
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(WebSocketURL(parsing: text) == nil)
    }
}
