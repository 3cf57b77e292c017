import Testing
import WSLoop

@testable import PushServer

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("8081", "0.0.0.0", 8081), ("0", "0.0.0.0", 0), ("65535", "0.0.0.0", 65_535), ("127.0.0.1:80", "127.0.0.1", 80),
        ("[::]:8081", "::", 8081), ("[::1]:0", "::1", 0), ("localhost:9", "127.0.0.1", 9), ("0.0.0.0:1", "0.0.0.0", 1),
    ])
    func tcp(text: String, host: String, port: UInt16) throws {
        let address = try #require(ListenAddress(text))
        #expect(address == .tcp(host: host, port: port))
        #expect(address.socketAddress?.host == host)
        #expect(address.socketAddress?.port == port)
        #expect(ListenAddress(address.description) == address, "what is shown can be given again")
    }

    @Test func unix() throws {
        let address = try #require(ListenAddress("unix:/run/a:b.sock"))
        #expect(address == .unix(path: "/run/a:b.sock"))
        #expect(address.description == "unix:/run/a:b.sock")
        #expect(address.socketAddress?.unixPath == "/run/a:b.sock")
        #expect(ListenAddress("unix:relative.sock") == .unix(path: "relative.sock"))
        #expect(ListenAddress("unix:" + String(repeating: "p", count: 107)) != nil)
    }

    @Test(arguments: [
        "", " ", ":", "a", "65536", "-1", "+80", "80 ", " 80", "8_0", "٨", "1.5", "127.0.0.1", "127.0.0.1:", ":80",
        "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.256:80", "example.org:80", "[::1]", "[::1]:", "[::1:80", "[]:80",
        "[localhost]:80", "unix:", "tcp://127.0.0.1:80", "unix:a\0b", "unix:" + String(repeating: "p", count: 108),
    ])
    func noAddress(text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
