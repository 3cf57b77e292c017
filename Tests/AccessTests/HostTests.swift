import Bytes
import Testing

@testable import Access

@Suite struct HostTests {
    private func admits(_ host: String?, allowed: String...) throws -> Bool {
        let policy = HostPolicy(try allowed.map { try #require(HostPattern($0)) })
        guard let host else { return policy.admits(try requestHead("GET / HTTP/1.0", [])) }
        return policy.admits(Array(host.utf8).rawSpan)
    }

    @Test(arguments: [
        "localhost", "LocalHost:8081", "localhost.", "app.localhost:1", "127.0.0.1", "127.0.0.1:8081", "192.0.2.7:80",
        "0.0.0.0:8081", "[::1]", "[::1]:8081", "[2001:DB8::1]:8081", "localhost:",
    ])
    func addressesAndLocalhostPass(host: String) throws {
        #expect(try admits(host))
    }

    @Test func aRequestWithoutHostComesFromNoBrowser() throws {
        #expect(try admits(nil))
    }

    @Test(arguments: [
        "evil.example", "evil.example:8081", "", ":8081", "localhost.evil.example", "127.0.0.1.evil.example",
        "xlocalhost", "127.0.0.256", "127.0.0", "1.2.3.4.5", "+1.2.3.4", "1..2.3", "local%68ost",
    ])
    func otherNamesAreRefused(host: String) throws {
        #expect(try !admits(host))
        #expect(try !admits(host, allowed: "push.example"))
        #expect(try admits(host, allowed: "*"))
    }

    @Test func listedNamesPassOnAnyPort() throws {
        for host in ["push.example", "PUSH.example:8081", "push.example."] {
            #expect(try admits(host, allowed: "other.example", "Push.Example"))
        }
        #expect(try !admits("x.push.example", allowed: "push.example"))
        #expect(try admits("x.push.example:1", allowed: "*.push.example"))
        #expect(try !admits("push.example", allowed: "*.push.example"))
    }

    @Test(arguments: ["", "*.", "a:81", "https://a", "a/b", "a b", "*a", "a.*", ".a", "a.", "a..b", "ü.example"])
    func whatIsNoName(text: String) {
        #expect(HostPattern(text) == nil)
    }
}
