import Bytes
import HTTP
import Testing

struct RequestLineTests {
    @Test(arguments: [
        ("GET", RequestHead.Method.get), ("HEAD", .head), ("POST", .post), ("OPTIONS", .options), ("PUT", .other),
        ("get", .other), ("GETS", .other), ("M-SEARCH", .other), ("!#$%&'*+-.^_`|~09AZaz", .other),
    ])
    func methods(name: String, method: RequestHead.Method) {
        #expect(parse("\(name) /a HTTP/1.1\r\nHost: h\r\n\r\n") == [.request(Seen(method, "/a"))])
    }

    @Test func `a method is made of token bytes only`() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        for byte in UInt8(0x21)...0xFF where byte != 0x7F {
            let accepted = outcomes([(Array("G".utf8) + [byte] + Array("TX / HTTP/1.1\r\nHost: h\r\n\r\n".utf8))[...]])
            #expect(accepted == (tokens.contains(byte) ? [.request(Seen(.other, "/"))] : [.violation(.badMethod)]))
        }
    }

    @Test func `a header name is made of token bytes only`() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:".utf8)
        for byte in UInt8(0x21)...0xFF where byte != 0x7F {
            let head = Array("GET / HTTP/1.1\r\nHost: h\r\nA".utf8) + [byte] + Array("B: c\r\n\r\n".utf8)
            let expected = tokens.contains(byte) ? Outcome.request(Seen(.get, "/")) : .violation(.badHeaderName)
            #expect(outcomes([head[...]]) == [expected])
        }
    }

    @Test func `a target is made of visible ASCII without fragment`() {
        for byte in UInt8(0x21)...0xFF where byte != 0x7F {
            let head = Array("GET /".utf8) + [byte] + Array(" HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
            let target = "/" + String(decoding: [byte], as: UTF8.self)
            let isFine = byte < 0x7F && byte != UInt8(ascii: "#")
            let violation = byte < 0x80 ? HTTPViolation.badTarget : .notASCIITarget
            #expect(outcomes([head[...]]) == (isFine ? [.request(Seen(.get, target))] : [.violation(violation)]))
        }
    }

    @Test(arguments: [
        ("/", "/"), ("/publish", "/publish"), ("/publish?channel=x", "/publish"), ("/publish?", "/publish"),
        ("/a?b?c", "/a"), ("/a%2Fb", "/a%2Fb"), ("//h/a", "//h/a"), ("http://h/a?b", "/a"), ("HTTP://h:80/a", "/a"),
        ("https://[::1]:8/a", "/a"), ("http://h", "/"), ("http://h?q=/x", "/"), ("http://h:/a", "/a"),
    ])
    func `the path of a target`(target: String, path: String) throws {
        let head = try request("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n").head
        #expect(head.target == target)
        #expect(head.isPath("/") == (path == "/"))
        #expect(head.isPath("/publish") == (path == "/publish"))
        #expect(head.isPath("/a") == (path == "/a"))
        #expect(head.isPath("/a%2Fb") == (path == "/a%2Fb"))
        #expect(!head.isPath("/publis"))
        #expect(!head.isPath("/publish/"))
        #expect(!head.isPath(""))
    }

    @Test func `the asterisk form is for OPTIONS`() throws {
        #expect(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n") == [.request(Seen(.options, "*"))])
        #expect(try request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").head.isPath("*"))
        #expect(parse("OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n") == [.request(Seen(.options, "/"))])
    }

    @Test func `a target in absolute form names the host`() {
        let text = "GET http://real:81/a HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(parse(text) == [.request(Seen(.get, "http://real:81/a", host: "real:81"))])
        let secure = "GET https://real HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(parse(secure) == [.request(Seen(.get, "https://real", host: "real"))])
    }

    @Test(arguments: ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"])
    func `one empty line before a request is ignored`(text: String) {
        let plain = parse(text)
        #expect(plain.count == 1)
        #expect(parse("\r\n" + text) == plain)
        #expect(parse("\r\n" + text + "\r\n" + text) == plain + plain)
        #expect(parse(text + "\r\n") == plain)
    }
}

struct HeaderTests {
    @Test(arguments: [
        ("X:a", ["a"]), ("X: a", ["a"]), ("X: \t a \t ", ["a"]), ("X:", []), ("X: ", []), ("x: a", ["a"]),
        ("X: a\r\nx: b", ["a", "b"]), ("X: a b\tc", ["a b\tc"]), ("XX: a", []), ("X: a:b", ["a:b"]),
        ("X: \u{E9}", ["\u{E9}"]), ("Y: b\r\nX: a\r\nZ: c", ["a"]),
    ])
    func `valid header lines`(lines: String, values: [String]) {
        #expect(parse(get(lines + "\r\n")) == [.request(Seen(.get, "/", x: values))])
    }

    @Test func `every byte at every position of a value is treated alike`() {
        for length in 1...24 {
            for byte in UInt8.min...UInt8.max where byte != 0x0A && byte != 0x0D {
                var value = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                value[length - 1] = byte
                let head = Array("GET / HTTP/1.0\r\nY: ".utf8) + value + Array("aaa\tbbbbbbbbbb\r\n\r\n".utf8)
                let isControl = byte < 0x20 && byte != 0x09 || byte == 0x7F
                let isRefused = outcomes([head[...]]) == [.violation(.controlInHeader)]
                if isRefused != isControl { Issue.record("byte \(byte) at \(length - 1)") }
            }
        }
    }

    @Test(arguments: [
        "h", "example.com", "example.com:8080", "127.0.0.1:1", "[::1]", "[::1]:65535", "[::ffff:1.2.3.4]", "h:",
        "a_b~c",
        "%41b", "xn--bcher-kva.ch", "a.", "h:0", "h:00080", "",
    ])
    func `valid hosts`(host: String) throws {
        #expect(parse("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == [.request(Seen(.get, "/", host: host))])
        guard !host.isEmpty else { return }
        let absolute = try request("GET http://\(host)/ HTTP/1.1\r\nHost: other\r\n\r\n")
        #expect(absolute.head.host == host)
        #expect(absolute.head.value(of: "host") == "other")
    }

    @Test func `HTTP/1.0 needs no host`() {
        var expected = Seen(.get, "/", host: nil)
        expected.minorVersion = 0
        expected.keepsAlive = false
        #expect(parse("GET / HTTP/1.0\r\n\r\n") == [.request(expected)])
    }

    @Test func `fields by name`() throws {
        let head = try request(get("Accept: a\r\nACCEPT: b\r\nEmpty:\r\nBad: \u{E9}\r\n")).head
        #expect(head.value(of: "accept") == "a")
        #expect(head.count(of: "accept") == 2)
        #expect(head.value(of: "empty") == "")
        #expect(head.value(of: "accep") == nil)
        #expect(head.count(of: "nothing") == 0)
    }

    @Test func `a value that is not UTF-8 is repaired`() throws {
        let input = Array("GET / HTTP/1.0\r\nX: a".utf8) + [0xFF] + Array("b\r\n\r\n".utf8)
        var expected = Seen(.get, "/", host: nil, x: ["a\u{FFFD}b"])
        expected.minorVersion = 0
        expected.keepsAlive = false
        #expect(parse(input) == [.request(expected)])
    }

    @Test(arguments: [
        (["a, b"], ["a", "b"]), (["a,b , c"], ["a", "b", "c"]), ([",, a,,"], ["a"]), ([""], []),
        (["a", "b, a"], ["a", "b", "a"]),
        (["a;q=\"x,y\", b"], ["a;q=\"x,y\"", "b"]), (["\"x\\\",y\",z"], ["\"x\\\",y\"", "z"]),
        (["\"open, b"], ["\"open, b"]),
        (["\"open\\"], ["\"open\\"]), (["a\t,\tb"], ["a", "b"]), (["a\\,b"], ["a\\", "b"]),
    ])
    func `comma-separated lists`(fields: [String], elements: [String]) throws {
        let head = try request(get(fields.map { "X: \($0)\r\n" }.joined(separator: "Y: no\r\n"))).head
        #expect(head.listValues(of: "x") == elements)
    }

    @Test func `tokens of lists`() throws {
        let head = try request(get("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n")).head
        #expect(head.hasToken("upgrade", in: "connection"))
        #expect(head.hasToken("keep-alive", in: "connection"))
        #expect(head.hasToken("websocket", in: "upgrade"))
        #expect(!head.hasToken("keep", in: "connection"))
        #expect(!head.hasToken("close", in: "connection"))
        #expect(!head.hasToken("upgrade", in: "upgrade"))
    }

    @Test(arguments: [
        (1, "", true), (1, "close", false), (1, "Close", false), (1, "upgrade, close", false), (1, "keep-alive", true),
        (1, "closed", true), (1, "\"close\"", true), (0, "", false), (0, "keep-alive", true),
        (0, "Keep-Alive, x", true),
        (0, "keep-alive, close", false), (0, "upgrade", false),
    ])
    func `keep-alive`(minor: Int, connection: String, keepsAlive: Bool) throws {
        let head = try request("GET / HTTP/1.\(minor)\r\nHost: h\r\nConnection: \(connection)\r\n\r\n").head
        #expect(head.keepsAlive == keepsAlive)
        #expect(head.minorVersion == minor)
    }
}
