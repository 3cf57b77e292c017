import Testing

@testable import WSLoop

struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1", 8081, "127.0.0.1:8081", true), ("127.255.0.9", 1, "127.255.0.9:1", true),
        ("0.0.0.0", 0, "0.0.0.0:0", false), ("192.0.2.1", 65535, "192.0.2.1:65535", false),
        ("128.0.0.1", 80, "128.0.0.1:80", false), ("::1", 80, "[::1]:80", true), ("::", 0, "[::]:0", false),
        ("2001:DB8:0:0::1", 443, "[2001:db8::1]:443", false), ("::ffff:127.0.0.1", 1, "[::ffff:127.0.0.1]:1", true),
        ("::ffff:192.0.2.1", 1, "[::ffff:192.0.2.1]:1", false), ("::2", 1, "[::2]:1", false),
        ("fe80::1", 1, "[fe80::1]:1", false), ("1::1", 1, "[1::1]:1", false),
    ])
    func readsAndPrints(host: String, port: UInt16, printed: String, isLocal: Bool) throws {
        let address = try #require(SocketAddress(host: host, port: port))
        #expect(address.description == printed)
        #expect(address.port == port)
        #expect(address.isLocal == isLocal)
        #expect(address.unixPath == nil)
        #expect(address == SocketAddress(host: address.host ?? "", port: port))
        #expect(address != SocketAddress(host: host, port: port ^ 1))
    }

    @Test(
        arguments: [
            ("192.0.2.1", 0, 0xFFFF_C000_0201), ("::ffff:192.0.2.1", 0, 0xFFFF_C000_0201), ("::1", 0, 1),
            ("2001:db8:1:2:3:4:5:6", 0x2001_0DB8_0001_0002, 0x0003_0004_0005_0006),
        ] as [(String, UInt64, UInt64)])
    func bits(host: String, high: UInt64, low: UInt64) throws {
        let bits = try #require(SocketAddress(host: host, port: 1)?.ipBits)
        #expect(bits == (high, low))
    }

    @Test(arguments: ["localhost", "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "[::1]", "::1::", "1.2.3.4:80", " 127.0.0.1"])
    func aNameIsNoAddress(host: String) {
        #expect(SocketAddress(host: host, port: 1) == nil)
    }

    @Test func unixPathsHaveABound() throws {
        let address = try #require(SocketAddress(unixPath: "/run/pushd.sock"))
        #expect(address.description == "unix:/run/pushd.sock")
        #expect(address.unixPath == "/run/pushd.sock")
        #expect(address.isLocal)
        #expect(address.port == nil)
        #expect(address.host == nil)
        #expect(address.ipBits == nil)
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 107)) != nil)
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 108)) == nil)
        #expect(SocketAddress(unixPath: String(repeating: "é", count: 54)) == nil)
        #expect(SocketAddress(unixPath: "") == nil)
        #expect(SocketAddress(unixPath: "a\0b") == nil)
    }

    @Test(arguments: ["127.0.0.1", "::1", "localhost"])
    func lookupFindsAddresses(host: String) throws {
        try withLoop { loop in
            var found: [SocketAddress] = []
            NameLookup.start(host, port: 6379, on: loop) { found = (try? $0.get()) ?? [] }
            #expect(found.isEmpty)
            loop.run()
            #expect(!found.isEmpty)
            for address in found {
                #expect(address.isLocal)
                #expect(address.port == 6379)
            }
            if host != "localhost" { #expect(found.contains { $0.host == host }) }
        }
    }

    @Test func lookupOfAnUnknownNameFails() throws {
        try withLoop { loop in
            var result: Result<[SocketAddress], SystemError>?
            NameLookup.start("no-such-host.invalid", port: 1, on: loop) { result = $0 }
            loop.run()
            guard case .failure(let error) = result else {
                Issue.record("\(String(describing: result))")
                return
            }
            #expect(error.description.hasPrefix("look up no-such-host.invalid: "))
        }
    }

    @Test func closingTheLoopWaitsForNoLookup() throws {
        var isAnswered = false
        try withLoop { loop in
            for _ in 0..<10 { NameLookup.start("localhost", port: 1, on: loop) { _ in isAnswered = true } }
        }
        #expect(!isAnswered)
    }
}
