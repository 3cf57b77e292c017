import HTTP
import Testing

struct QueryTests {
    private func values(_ query: String) throws -> [String] {
        try request("GET /ws\(query) HTTP/1.1\r\nHost: h\r\n\r\n").head.queryValues(of: "channel")
    }

    @Test(arguments: [
        ("", []), ("?", []), ("?channel=x", ["x"]), ("?channel=a&channel=b", ["a", "b"]), ("?a=b&channel=x&c=d", ["x"]),
        ("?channel", [""]), ("?channel=", [""]), ("?channel&channel=x", ["", "x"]), ("?channel=a=b", ["a=b"]),
        ("?channel=a+b", ["a b"]), ("?channel=a%20b", ["a b"]), ("?channel=%2B", ["+"]), ("?channel=%26%3D", ["&="]),
        ("?channel=%c3%A9", ["\u{E9}"]), ("?channel=%F0%9F%90%9D", ["\u{1F41D}"]), ("?ch%61nnel=x", ["x"]),
        ("?Channel=x", []), ("?channels=x", []), ("?chan=x", []), ("?&&channel=x&", ["x"]),
        ("?channel=a?b/c", ["a?b/c"]),
        ("?=x", []), ("?a=channel=x", []), ("?channel=a;b", ["a;b"]), ("?channel=%00", ["\u{0}"]),
        ("?other=%zz&channel=x", ["x"]), ("?channel=%25%32%35", ["%25"]), ("?+channel=x", []),
    ])
    func `values of a parameter`(query: String, expected: [String]) throws {
        #expect(try values(query) == expected)
    }

    @Test(
        arguments: [
            ("", nil), ("?", nil), ("?channel=a&channel=b&key=c", nil), ("?ch%61nnel=x&&key", nil), ("?=x", nil),
            ("?chanel=x", "chanel"), ("?channel=x&Key=1&other=2", "Key"), ("?a+b%26=1", "a b&"), ("?c&d", "c"),
        ] as [(String, String?)])
    func `the first parameter that is not known`(query: String, name: String?) throws {
        let head = try request("GET /ws\(query) HTTP/1.1\r\nHost: h\r\n\r\n").head
        #expect(try head.queryName(besides: ["channel", "key"]) == name)
    }

    @Test func `a name that cannot be decoded`() throws {
        let head = try request("GET /ws?%zz=1 HTTP/1.1\r\nHost: h\r\n\r\n").head
        #expect(throws: QueryViolation.badPercentEscape) { try head.queryName(besides: ["channel"]) }
    }

    @Test(arguments: [
        "?channel=%", "?channel=%4", "?channel=%4g", "?channel=%g4", "?channel=%%20", "?channel=a%&b=c", "?%=x",
        "?channel=%4&channel=x", "?channel=% 4".replacing(" ", with: "+"), "?channel=%-1", "?%zz=1&channel=x",
    ])
    func `bad escapes`(query: String) {
        #expect(throws: QueryViolation.badPercentEscape) { try values(query) }
    }

    @Test(arguments: [
        "%FF", "%C3", "%C0%AF", "%ED%A0%80", "%F4%90%80%80", "%E2%82", "a%80b", "%E2%82x", "%C3+",
    ])
    func `bad UTF-8`(value: String) {
        #expect(throws: QueryViolation.badUTF8) { try values("?channel=\(value)") }
    }

    @Test func `every byte can be escaped`() throws {
        for byte in UInt8(0)..<0x80 {
            for uppercase in [true, false] {
                let hex = String(byte, radix: 16, uppercase: uppercase)
                let escape = "%" + (hex.utf8.count == 1 ? "0" : "") + hex
                #expect(try values("?channel=a\(escape)b") == ["a\(UnicodeScalar(byte))b"])
            }
        }
    }

    @Test func `the query of an absolute target`() throws {
        for target in ["http://h?channel=x", "http://h/?channel=x", "http://h:80/a?channel=x"] {
            let head = try request("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n").head
            #expect(try head.queryValues(of: "channel") == ["x"])
        }
    }
}
