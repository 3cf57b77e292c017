import HTTP
import Testing

@testable import PushServer

@Suite struct OriginPolicyTests {
    private func admits(_ origin: String?, host: String = "h:8081", allowed: [String] = []) throws -> Bool {
        let head = try origin.map { try requestHead(host: host, ("Origin", $0)) } ?? requestHead(host: host)
        return OriginPolicy(allowed: allowed).admits(head)
    }

    @Test func aRequestWithoutOriginComesFromNoBrowser() throws {
        #expect(try admits(nil))
        #expect(try admits(nil, allowed: ["https://a.example"]))
    }

    @Test func theSameOriginPasses() throws {
        #expect(try admits("http://h:8081"))
        #expect(try admits("https://h:8081"))
        #expect(try admits("http://h", host: "h"))
        #expect(try admits("HTTP://Host.Example:81", host: "hOST.example:81"))
        #expect(try admits("http://[::1]:8081", host: "[::1]:8081"))
        #expect(try admits("http://[2001:DB8::1]", host: "[2001:db8::1]"))
    }

    @Test(arguments: [
        "http://h", "http://h:80", "http://h:8082", "http://g:8081", "http://h:8081.evil.example", "http://h:8081/",
        "http://evil.example/h:8081", "ftp://h:8081", "h:8081", "//h:8081", "null", "", "file://", "http://",
        "http://user@h:8081", "http://h:8081 http://evil.example", "xhttp://h:8081",
    ])
    func anotherOriginIsRefused(origin: String) throws {
        #expect(try !admits(origin))
    }

    @Test func theTargetsAuthorityOutweighsTheHostHeader() throws {
        let head = try requestHead("GET http://real/ws HTTP/1.1\r\nHost: forged\r\nOrigin: http://forged\r\n\r\n")
        #expect(!OriginPolicy(allowed: []).admits(head))
    }

    @Test func listedOriginsPassWhateverTheHost() throws {
        let allowed = ["https://A.example", "http://b.example:81"]
        #expect(try admits("https://a.example", allowed: allowed))
        #expect(try admits("http://B.EXAMPLE:81", allowed: allowed))
        #expect(try !admits("http://a.example", allowed: allowed))
        #expect(try !admits("https://a.example:444", allowed: allowed))
        #expect(try !admits("https://sub.a.example", allowed: allowed))
        #expect(try admits("http://h:8081", allowed: allowed), "the server's own origin needs no listing")
    }

    @Test func aPageWithoutAnOriginPassesOnlyIfListed() throws {
        #expect(try !admits("null", allowed: ["https://a.example"]))
        #expect(try admits("null", allowed: ["null"]))
    }

    @Test(arguments: ["null", "https://evil.example", "", "nonsense"])
    func aStarLetsAllIn(origin: String) throws {
        #expect(try admits(origin, allowed: ["*"]))
        #expect(try admits(origin, allowed: ["https://a.example", "*"]))
    }

    @Test func aStarIsNoPattern() throws {
        #expect(try !admits("https://x.a.example", allowed: ["https://*.a.example"]))
    }
}

@Suite struct PublishPolicyTests {
    private func verdict(_ authorization: String?, keys: [String], isLocal: Bool = false) throws
        -> PublishPolicy.Verdict
    {
        let head = try authorization.map { try requestHead(host: "h", ("Authorization", $0)) } ?? requestHead(host: "h")
        return PublishPolicy(keys: keys).verdict(on: head, isLocal: isLocal)
    }

    @Test func withoutKeysOnlyTheMachineItselfMayPublish() throws {
        #expect(try verdict(nil, keys: [], isLocal: true) == .allowed)
        #expect(try verdict(nil, keys: []) == .onlyLocal)
        #expect(try verdict("Bearer x", keys: []) == .onlyLocal)
        #expect(try verdict("Bearer x", keys: [], isLocal: true) == .allowed)
    }

    @Test func anEmptyKeyIsNone() throws {
        #expect(try verdict("Bearer x", keys: [""]) == .onlyLocal)
        #expect(try verdict("Basic x", keys: ["", "k"]) == .wrongKey)
    }

    @Test func withKeysOthersNeedOne() throws {
        #expect(try verdict(nil, keys: ["k"]) == .keyNeeded)
        #expect(try verdict(nil, keys: ["k"], isLocal: true) == .allowed)
        for isLocal in [false, true] {
            #expect(try verdict("Bearer k", keys: ["k"], isLocal: isLocal) == .allowed)
            #expect(try verdict("Bearer l", keys: ["k"], isLocal: isLocal) == .wrongKey)
        }
    }

    @Test func eachOfSeveralKeysOpens() throws {
        let keys = ["short", "a much longer key", "kéy"]
        for key in keys { #expect(try verdict("Bearer \(key)", keys: keys) == .allowed) }
    }

    @Test func everyOtherLengthIsWrong() throws {
        let key = "abcdefgh"
        for count in 0...3 * key.count where count != key.count {
            let repeated = String(String(repeating: key, count: 3).prefix(count))
            #expect(try verdict("Bearer \(repeated)", keys: [key]) == .wrongKey, "\(count) characters")
        }
    }

    @Test func everyWrongCharacterIsSeen() throws {
        let key = Array("abcdefgh")
        for index in key.indices {
            var wrong = key
            wrong[index] = "x"
            #expect(try verdict("Bearer \(String(wrong))", keys: [String(key)]) == .wrongKey)
        }
    }

    @Test(arguments: ["Bearer", "Bearer ", "k", "Basic k", "Bearer  k", "Bearer k k", ""])
    func whatIsNoBearerTokenIsWrong(authorization: String) throws {
        #expect(try verdict(authorization, keys: ["k"]) == .wrongKey)
    }

    @Test func refusalsSayWhatToDo() throws {
        #expect(PublishPolicy.Verdict.allowed.refusal == nil)
        let onlyLocal = try #require(PublishPolicy.Verdict.onlyLocal.refusal)
        #expect(onlyLocal.status == .forbidden && string(onlyLocal.body).contains("--publish-key"))
        for verdict in [PublishPolicy.Verdict.wrongKey, .keyNeeded] {
            let refusal = try #require(verdict.refusal)
            var bytes: [UInt8] = []
            refusal.encode(into: &bytes, closing: false)
            #expect(refusal.status == .unauthorized && string(bytes).contains("WWW-Authenticate: Bearer\r\n"))
        }
    }
}
