import Bytes
import Testing

private func parse(_ text: String) throws(JSONViolation) -> JSONObject {
    let bytes = Array(text.utf8)
    return try JSONObject(parsing: bytes.rawSpan)
}

/// The raw JSON text of a member.
private func raw(_ name: String, of text: String) throws -> String? {
    guard let range = try parse(text).rawRange(of: name) else { return nil }
    return String(decoding: Array(text.utf8)[range], as: UTF8.self)
}

@Suite("JSON objects")
struct JSONObjectTests {
    @Test("reads a client command")
    func command() throws {
        let text = #"{"action":"subscribe","channel":"c","replace":true,"id":7}"#
        let object = try parse(text)
        #expect(object["action"] == .string("subscribe"))
        #expect(object["channel"] == .string("c"))
        #expect(object["replace"] == .bool(true))
        #expect(object["id"] == .number(56..<57))
        #expect(object["data"] == nil)
        #expect(object.rawRange(of: "data") == nil)
        #expect(try raw("id", of: text) == "7")
        #expect(try raw("action", of: text) == #""subscribe""#)
    }

    @Test("tells kinds of values apart")
    func kinds() throws {
        let object = try parse(#"{"s":"","t":true,"f":false,"n":null,"i":-1,"a":[],"o":{}}"#)
        #expect(object["s"] == .string(""))
        #expect(object["t"] == .bool(true))
        #expect(object["f"] == .bool(false))
        #expect(object["n"] == .null)
        #expect(object["i"] == .number(40..<42))
        #expect(object["a"] == .container(47..<49))
        #expect(object["o"] == .container(54..<56))
    }

    @Test("raw text is verbatim, without the whitespace around it")
    func rawText() throws {
        let text = "\r\n { \"data\" : { \"x\" : [ 1.0e1 , \"}\" ] } \t, \"id\"\n:\n\"a\\u0062\" , \"n\" : 1.50 } \n"
        #expect(try raw("data", of: text) == #"{ "x" : [ 1.0e1 , "}" ] }"#)
        #expect(try raw("id", of: text) == #""a\u0062""#)
        #expect(try raw("n", of: text) == "1.50")
        #expect(try parse(text)["id"] == .string("ab"))
    }

    @Test("an empty object has no members")
    func empty() throws {
        #expect(try parse("{}")[""] == nil)
        #expect(try parse(" { } ")["a"] == nil)
    }

    @Test("the last of equal names wins, as in JavaScript")
    func duplicates() throws {
        let text = #"{"a":1,"b":2,"\u0061":"last","b":null}"#
        #expect(try parse(text)["a"] == .string("last"))
        #expect(try raw("a", of: text) == #""last""#)
        #expect(try parse(text)["b"] == .null)
    }

    @Test("names are compared by code points and only at the top level")
    func names() throws {
        let object = try parse(#"{"é":1,"e\u0301":2,"in":{"deep":true},"":3}"#)
        #expect(object["\u{E9}"] == .number(6..<7))
        #expect(object["e\u{301}"] == .number(18..<19))
        #expect(object["deep"] == nil)
        #expect(object[""] != nil)
    }

    @Test(
        "says what is wrong and where",
        arguments: [
            ("", .notAnObject), ("  ", .notAnObject), ("[]", .notAnObject), ("7", .notAnObject),
            ("hello", .notAnObject),
            ("{", .truncated), (#"{"a""#, .truncated), (#"{"a":"#, .truncated), (#"{"a":1"#, .truncated),
            (#"{"a":1,"#, .truncated),
            (#"{"a":"x"#, .truncated), (#"{"a":tr"#, .truncated), (#"{"a":-"#, .truncated),
            (#"{"a":"\u00"#, .truncated),
            ("{a:1}", .malformed(offset: 1)), (#"{"a" 1}"#, .malformed(offset: 5)),
            (#"{"a":01}"#, .malformed(offset: 6)),
            (#"{"a":1,}"#, .malformed(offset: 7)), (#"{"a":1}x"#, .malformed(offset: 7)),
            ("{} {}", .malformed(offset: 3)),
            ("{\"a\":\"x\ny\"}", .malformed(offset: 7)), (#"{"a":"\q"}"#, .malformed(offset: 7)),
            (#"{"a":[1}"#, .malformed(offset: 7)),
        ] as [(String, JSONViolation)])
    func violations(text: String, violation: JSONViolation) {
        #expect(throws: violation) { try parse(text) }
    }

    @Test("bytes that are not UTF-8 are refused where they begin")
    func invalidUTF8() {
        let text = Array(#"{"a":"é"#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8)
        #expect(throws: JSONViolation.malformed(offset: 8)) { try JSONObject(parsing: text.rawSpan) }
    }

    @Test("the object itself counts as one of the 128 levels")
    func depth() throws {
        func text(_ levels: Int) -> String {
            "{\"a\":" + String(repeating: "[", count: levels - 1) + String(repeating: "]", count: levels - 1) + "}"
        }
        #expect(try parse(text(128))["a"] == .container(5..<5 + 2 * 127))
        #expect(throws: JSONViolation.tooDeep(offset: 5 + 127)) { try parse(text(129)) }
    }

    @Test("no prefix of an object is an object")
    func prefixes() throws {
        let text = Array(#"{"action":"publish","channel":"c\u00e9€","data":{"x":[1,true,null]},"id":-1.5e3}"#.utf8)
        _ = try JSONObject(parsing: text.rawSpan)
        for length in 1..<text.count {
            let prefix = Array(text[..<length])
            #expect(throws: JSONViolation.self, "prefix of \(length) bytes") { try JSONObject(parsing: prefix.rawSpan) }
        }
    }

    @Test(
        "each violation has a sentence for people",
        arguments: [
            (.notAnObject, "a JSON object is expected"), (.truncated, "the JSON text ends too early"),
            (.malformed(offset: 12), "malformed JSON at byte 12"),
            (.tooDeep(offset: 9), "JSON nested more than 128 levels deep at byte 9"),
        ] as [(JSONViolation, String)])
    func messages(violation: JSONViolation, message: String) {
        #expect(violation.message == message)
    }
}
