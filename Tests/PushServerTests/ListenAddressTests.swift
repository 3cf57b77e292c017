import Testing
import WSLoop

@testable import PushServer

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1", 80), ("[::]:8081", "::", 8081), ("[::1]:0", "::1", 0),
        ("localhost:9", "127.0.0.1", 9), ("0.0.0.0:1", "0.0.0.0", 1),
    ])
    func tcp(text: String, host: String, port: UInt16) throws {
        let address = try ListenAddress(parsing: text)
        #expect(address == .tcp(host: host, port: port))
        #expect(address.socketAddress?.host == host)
        #expect(address.socketAddress?.port == port)
        #expect(address.addressWithoutIPv6 == nil, "nothing but what was asked for")
        try expectReadable(address)
    }

    @Test(arguments: [("8081", 8081), ("0", 0), ("65535", 65_535), (":8081", 8081), (":0", 0)])
    func aPortIsOneOfAllAddresses(text: String, port: UInt16) throws {
        let address = try ListenAddress(parsing: text)
        #expect(address == .everywhere(port: port))
        #expect(address.socketAddress == SocketAddress(host: "::", port: port))
        #expect(address.addressWithoutIPv6 == SocketAddress(host: "0.0.0.0", port: port))
        try expectReadable(address)
    }

    @Test(arguments: ["tls:8443", "tls::8443", "tls:127.0.0.1:1", "tls:[::1]:2"]) func tls(text: String) throws {
        let address = try ListenAddress(parsing: text)
        #expect(address.isSecure && address.secured == address)
        let plain = try ListenAddress(parsing: String(text.dropFirst(4)))
        #expect(!plain.isSecure && plain.secured == address)
        try expectReadable(address)
    }

    @Test(arguments: ["8081", "127.0.0.1:1", "tls:8443", "tls:[::1]:2", "unix:/run/a"]) func proxy(text: String) throws
    {
        let plain = try ListenAddress(parsing: text)
        let address = try ListenAddress(parsing: "proxy:" + text)
        #expect(address.isProxied && !plain.isProxied && address != plain)
        #expect(address.isSecure == plain.isSecure && address.socketAddress == plain.socketAddress)
        #expect(address.secured.isProxied)
        try expectReadable(address)
    }

    @Test func unix() throws {
        let address = try ListenAddress(parsing: "unix:/run/a:b.sock")
        #expect(address == .unix(path: "/run/a:b.sock") && address.secured == address)
        #expect(address.description == "unix:/run/a:b.sock")
        #expect(address.socketAddress?.unixPath == "/run/a:b.sock")
        #expect(try ListenAddress(parsing: "unix:relative.sock") == .unix(path: "relative.sock"))
        #expect(try ListenAddress(parsing: "unix:" + String(repeating: "p", count: 107)).socketAddress != nil)
    }

    @Test(
        arguments: [
            ("", .missingPort), (" ", .missingPort), (":", .missingPort), ("a", .missingPort), ("-1", .missingPort),
            ("+80", .missingPort), ("80 ", .missingPort), (" 80", .missingPort), ("8_0", .missingPort),
            ("٨", .missingPort), ("1.5", .missingPort), ("127.0.0.1", .missingPort), ("127.0.0.1:", .missingPort),
            ("127.0.0.1:-1", .missingPort), ("[::1]", .missingPort), ("[::1]:", .missingPort), ("tls:", .missingPort),
            ("65536", .portOutOfRange), (":70000", .portOutOfRange), ("127.0.0.1:65536", .portOutOfRange),
            ("127.0.0.256:80", .hostIsNoAddress), ("example.org:80", .hostIsNoAddress), ("[]:80", .hostIsNoAddress),
            ("[::1:80", .hostIsNoAddress), ("[localhost]:80", .hostIsNoAddress), ("*:80", .hostIsNoAddress),
            ("tcp://127.0.0.1:80", .hostIsNoAddress), ("tls:tls:80", .hostIsNoAddress),
            ("::1:80", .bracketsMissing), (":::80", .bracketsMissing), ("[127.0.0.1]:80", .bracketsMissing),
            ("unix:", .badPath), ("unix:a\0b", .badPath), ("unix:" + String(repeating: "p", count: 108), .badPath),
            ("tls:unix:/x", .tlsOnUnixSocket), ("proxy:tls:unix:/x", .tlsOnUnixSocket), ("proxy:", .missingPort),
            ("tls:proxy:8443", .proxyIsNotFirst), ("proxy:proxy:8081", .proxyIsNotFirst),
        ] as [(String, ListenAddressViolation)])
    func noAddress(text: String, violation: ListenAddressViolation) {
        #expect(throws: violation) { try ListenAddress(parsing: text) }
    }

    @Test func everyViolationSaysWhatIsRight() {
        let texts = ListenAddressViolation.allCases.map(\.description)
        #expect(Set(texts).count == texts.count && texts.allSatisfy { !$0.contains("\n") })
    }

    private func expectReadable(_ address: ListenAddress) throws {
        #expect(try ListenAddress(parsing: address.description) == address, "what is shown can be given again")
    }
}
