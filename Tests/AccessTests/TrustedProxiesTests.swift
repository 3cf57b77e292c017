import HTTP
import Testing

@testable import Access

@Suite struct TrustedProxiesTests {
    private static let proxy = IPAddress("10.0.0.1")

    private func client(_ fields: (String, String)..., behind proxy: IPAddress? = proxy) throws -> ForwardedClient {
        let proxies = TrustedProxies([
            .range(try AddressRange(parsing: "10.0.0.0/8")), .range(try AddressRange(parsing: "2001:db8::/64")),
            .unixSocket,
        ])
        return proxies.client(of: try requestHead("GET / HTTP/1.1", [("Host", "h")] + fields), behind: proxy)
    }

    private func address(_ field: String, _ value: String) throws -> String? {
        try client((field, value)).address?.description
    }

    @Test func whoIsOne() throws {
        let ranges = TrustedProxies([.range(try AddressRange(parsing: "10.0.0.0/8"))])
        #expect(ranges.includes(IPAddress("10.9.9.9")) && !ranges.includes(IPAddress("11.0.0.1")))
        #expect(!ranges.includes(nil), "a unix-domain socket only if it is listed")
        #expect(TrustedProxies([.unixSocket]).includes(nil) && !TrustedProxies([]).includes(nil))
        #expect(try TrustedProxy(parsing: "unix") == .unixSocket)
    }

    @Test(arguments: [
        ("1.2.3.4", "1.2.3.4"), (" 1.2.3.4 ", "1.2.3.4"), ("1.2.3.4:5678", "1.2.3.4"), ("2001:db9::1", "2001:db9::1"),
        ("[2001:db9::1]", "2001:db9::1"), ("[2001:db9::1]:5678", "2001:db9::1"), ("::ffff:1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"), ("6.6.6.6,1.2.3.4,10.0.0.2, 2001:db8::7", "1.2.3.4"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"), ("1.2.3.4, 127.0.0.1", "127.0.0.1"), ("", "10.0.0.1"),
        ("unknown", "10.0.0.1"), ("1.2.3.4, unknown", "10.0.0.1"), ("1.2.3.4, unknown, 10.0.0.2", "10.0.0.2"),
        ("1.2.3.4, _hidden", "10.0.0.1"), ("\"6.6.6.6, 1.2.3.4", "1.2.3.4"), ("1.2.3.4, \"5.6.7.8\"", "10.0.0.1"),
        ("1.2.3.4;5", "10.0.0.1"), ("1.2.3.4:", "10.0.0.1"), ("1.2.3.4:a", "10.0.0.1"), ("[1.2.3.4]", "10.0.0.1"),
        ("[::1", "10.0.0.1"), ("[::1]x", "10.0.0.1"), ("[::1]:", "10.0.0.1"), ("999.1.1.1", "10.0.0.1"),
        (",,1.2.3.4,,", "1.2.3.4"),
    ])
    func xForwardedFor(value: String, expected: String) throws {
        #expect(try address("X-Forwarded-For", value) == expected)
    }

    @Test(arguments: [
        ("for=1.2.3.4", "1.2.3.4"), ("For=\"1.2.3.4\"", "1.2.3.4"), ("for=\"1.2.3.4:80\"", "1.2.3.4"),
        ("for=1.2.3.4:80", "1.2.3.4"), ("for=\"[2001:db9::1]\"", "2001:db9::1"),
        ("for=\"[2001:db9::1]:_port\"", "2001:db9::1"), ("by=_x;for=1.2.3.4;proto=https;host=h", "1.2.3.4"),
        ("for=6.6.6.6, for=1.2.3.4", "1.2.3.4"), ("for=1.2.3.4, for=10.0.0.2;by=10.0.0.1", "1.2.3.4"),
        ("for=\"1.2.3\\.4\"", "1.2.3.4"), ("for=1.2.3.4;", "1.2.3.4"), ("for=10.0.0.2", "10.0.0.2"),
        ("for=unknown", "10.0.0.1"), ("for=_hidden", "10.0.0.1"), ("for=1.2.3.4, for=unknown", "10.0.0.1"),
        ("for=1.2.3.4, for=_gw, for=10.0.0.2", "10.0.0.2"), ("for=1.2.3.4, proto=https", "10.0.0.1"),
        ("for=\"6.6.6.6, for=1.2.3.4", "10.0.0.1"), ("for=1.2.3.4;for=5.6.7.8", "10.0.0.1"), ("1.2.3.4", "10.0.0.1"),
        ("for=1.2.3.4 ;proto=http", "10.0.0.1"), ("for=\"1.2.3.4\"x", "10.0.0.1"), ("for=", "10.0.0.1"),
        ("=1.2.3.4", "10.0.0.1"), ("for=1.2.3.4;proto", "10.0.0.1"), ("", "10.0.0.1"),
    ])
    func forwarded(value: String, expected: String) throws {
        #expect(try address("Forwarded", value) == expected)
    }

    @Test func severalFieldsAreOneList() throws {
        let client = try client(("X-Forwarded-For", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4, 10.0.0.2"))
        #expect(client.address == IPAddress("1.2.3.4"))
        #expect(
            try self.client(("Forwarded", "for=6.6.6.6"), ("forwarded", "for=1.2.3.4")).address == IPAddress("1.2.3.4"))
    }

    @Test func aProxyWithoutTheHeaderIsTheClient() throws {
        #expect(try client() == ForwardedClient(address: TrustedProxiesTests.proxy))
        #expect(try client(behind: nil) == ForwardedClient(address: nil))
        #expect(try client(("X-Forwarded-For", "1.2.3.4"), behind: nil).address == IPAddress("1.2.3.4"))
        #expect(try client(("X-Real-IP", "1.2.3.4")).address == TrustedProxiesTests.proxy)
    }

    @Test func whatAClientMadeUpInTheOtherHeaderDoesNotCount() throws {
        let both = [("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=6.6.6.6;proto=https")]
        #expect(try client(both[0], both[1]) == ForwardedClient(address: TrustedProxiesTests.proxy))
        #expect(try client(both[0], ("Forwarded", "for=\"1.2.3.4:80\"")).address == IPAddress("1.2.3.4"))
    }

    @Test(arguments: [
        ("X-Forwarded-Proto", "https", true), ("X-Forwarded-Proto", "HTTP", false), ("X-Forwarded-Proto", "wss", true),
        ("X-Forwarded-Proto", "https, https", true), ("X-Forwarded-Proto", "https, http", nil),
        ("X-Forwarded-Proto", "gopher", nil), ("X-Forwarded-Proto", "", nil),
        ("Forwarded", "for=1.2.3.4;proto=https", true),
        ("Forwarded", "for=1.2.3.4;proto=https, for=10.0.0.2;proto=http", true),
        ("Forwarded", "for=6.6.6.6;proto=https, for=1.2.3.4;proto=http", false), ("Forwarded", "proto=https", true),
        ("Forwarded", "for=6.6.6.6;proto=https, for=1.2.3.4", nil), ("X-Forwarded-For", "1.2.3.4", nil),
    ])
    func theSchemeOfTheClient(field: String, value: String, isSecure: Bool?) throws {
        #expect(try client((field, value)).isSecure == isSecure)
    }

    @Test func ifSchemesDifferNoneCounts() throws {
        let https = ("Forwarded", "for=1.2.3.4;proto=https")
        #expect(try client(https, ("X-Forwarded-Proto", "http")).isSecure == nil)
        #expect(try client(https, ("X-Forwarded-Proto", "https")).isSecure == true)
    }
}
