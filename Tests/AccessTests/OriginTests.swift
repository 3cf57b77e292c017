import Testing

@testable import Access

@Suite struct OriginTests {
    private func admits(_ origin: String?, host: String = "h:8081", from peer: Peer = [], allowed: String...) throws
        -> Bool
    {
        let patterns = try allowed.map { try #require(OriginPattern($0)) }
        let head = try origin.map { try requestHead(("Host", host), ("Origin", $0)) } ?? requestHead(("Host", host))
        return OriginPolicy(patterns).admits(head, from: peer)
    }

    @Test func aRequestWithoutOriginComesFromNoBrowser() throws {
        #expect(try admits(nil))
        #expect(try admits(nil, allowed: "https://a.example"))
    }

    @Test func theSameOriginPasses() throws {
        #expect(try admits("http://h:8081"))
        #expect(try admits("http://h", host: "h"))
        #expect(try admits("HTTP://Host.Example:81", host: "hOST.example:81"))
        #expect(try admits("http://[::1]:8081", host: "[::1]:8081"))
        #expect(try admits("http://[2001:DB8::1]", host: "[2001:db8::1]"))
    }

    @Test func theSchemeIsAPartOfTheOrigin() throws {
        #expect(try !admits("https://h:8081"))
        #expect(try admits("https://h:8081", from: .tls))
        #expect(try !admits("http://h:8081", from: .tls))
    }

    @Test func aDefaultPortMayBeWritten() throws {
        #expect(try admits("http://h", host: "h:80"))
        #expect(try admits("http://h:80", host: "h"))
        #expect(try admits("https://h", host: "h:443", from: .tls))
        #expect(try admits("https://[::1]:443", host: "[::1]", from: .tls))
        #expect(try !admits("http://h:443", host: "h"))
        #expect(try !admits("https://h:80", host: "h", from: .tls))
        #expect(try admits("https://a.example", allowed: "https://a.example:443"))
        #expect(try admits("https://a.example:443", allowed: "https://a.example"))
    }

    @Test(arguments: [
        "http://h", "http://h:80", "http://h:8082", "http://g:8081", "http://h:8081.evil.example", "http://h:8081/",
        "http://evil.example/h:8081", "ftp://h:8081", "h:8081", "//h:8081", "null", "", "file://", "http://",
        "http://user@h:8081", "http://h:8081 http://evil.example", "xhttp://h:8081", "://h:8081", "http://h:8081:80",
    ])
    func anotherOriginIsRefused(origin: String) throws {
        #expect(try !admits(origin))
        #expect(try !admits(origin, allowed: "https://a.example", "https://*.h:8081"))
    }

    @Test func ofSeveralOriginsNoneCounts() throws {
        let two = try requestHead(("Host", "h"), ("Origin", "http://h"), ("Origin", "http://h"))
        #expect(!OriginPolicy([]).admits(two, from: []))
        #expect(OriginPolicy([.all]).admits(two, from: []))
    }

    @Test func anEmptyHostHasNoOrigin() throws {
        #expect(try !admits("http://", host: ""))
    }

    @Test func theTargetsAuthorityOutweighsTheHostHeader() throws {
        let head = try requestHead("GET http://real/ws HTTP/1.1", [("Host", "forged"), ("Origin", "http://forged")])
        #expect(!OriginPolicy([]).admits(head, from: []))
    }

    @Test func listedOriginsPassWhateverTheHost() throws {
        let allowed = ("https://A.example", "http://b.example:81")
        #expect(try admits("https://a.example", allowed: allowed.0, allowed.1))
        #expect(try admits("http://B.EXAMPLE:81", allowed: allowed.0, allowed.1))
        #expect(try !admits("http://a.example", allowed: allowed.0, allowed.1))
        #expect(try !admits("https://a.example:444", allowed: allowed.0, allowed.1))
        #expect(try !admits("https://sub.a.example", allowed: allowed.0, allowed.1))
        #expect(try admits("http://h:8081", allowed: allowed.0), "the server's own origin needs no listing")
    }

    @Test func aPageWithoutAnOriginPassesOnlyIfListed() throws {
        #expect(try !admits("null", allowed: "https://a.example"))
        #expect(try admits("null", allowed: "null"))
        #expect(try !admits("file://", allowed: "null", "https://a.example"))
        #expect(try admits("file://", allowed: "file://"))
        #expect(try !admits("file://a", allowed: "file://"))
    }

    @Test(arguments: ["null", "https://evil.example", "", "nonsense"])
    func aStarLetsAllIn(origin: String) throws {
        #expect(try admits(origin, allowed: "*"))
        #expect(try admits(origin, allowed: "https://a.example", "*"))
    }

    @Test(arguments: ["https://x.a.example", "https://X.Y.a.example", "https://x-1.a.example:443"])
    func aStarLabelStandsForOneLabelOrMore(origin: String) throws {
        #expect(try admits(origin, allowed: "https://*.a.example"))
    }

    @Test(arguments: [
        "https://a.example", "https://.a.example", "https://xa.example", "http://x.a.example",
        "https://x.a.example:444", "https://x.a.example.evil.example", "https://evil.example/.a.example",
        "https://evil.example?.a.example", "https://user@x.a.example", "https://x..a.example", "null",
    ])
    func aStarLabelStandsForNothingElse(origin: String) throws {
        #expect(try !admits(origin, allowed: "https://*.a.example"))
    }

    @Test(arguments: [
        "https://a.example/", "a.example", "https://", "://a", "https://*", "https://a.*.example", "https://*a.example",
        "https://**.a.example", "https://a.example:", "https://a.example:x", "https://a b", "https://a..b", "", "NULL",
        "https://user@a.example",
    ])
    func whatIsNoPattern(text: String) {
        #expect(OriginPattern(text) == nil)
    }

    @Test func answersAreSharedWithListedOriginsOnly() throws {
        func shared(_ origin: String?, _ patterns: OriginPattern...) throws -> String? {
            let head = try origin.map { try requestHead(("Host", "h"), ("Origin", $0)) } ?? requestHead(("Host", "h"))
            return OriginPolicy(patterns).sharedOrigin(of: head)
        }
        let listed = try #require(OriginPattern("https://*.a.example"))
        #expect(try shared("https://X.a.example", listed) == "https://X.a.example")
        #expect(try shared("https://b.example", listed) == nil)
        #expect(try shared("http://h", listed) == nil, "a page of this server needs no leave")
        #expect(try shared("https://b.example", listed, .all) == "*")
        #expect(try shared(nil, .all) == nil)
        #expect(try shared("null", try #require(OriginPattern("null"))) == "null")
    }
}
