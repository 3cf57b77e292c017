import Bytes
import Testing

/// The raw texts of fields in an object.
private func find(_ names: [String], in text: String) throws(JSONViolation) -> [String?] {
    let bytes = Array(text.utf8)
    var fields = JSONFields(names)
    try fields.find(in: bytes.rawSpan)
    return names.indices.map { index in
        fields.range(of: index).map { String(decoding: bytes[$0], as: UTF8.self) }
    }
}

@Suite("JSON fields")
struct JSONFieldsTests {
    @Test("finds raw values of every kind, in any order")
    func values() throws {
        let text = #" { "b" : [ 1, {"a":2} ] , "a":"x\"y","é":-1.50e2,"n":null,"o":{}} "#
        #expect(
            try find(["a", "b", "é", "n", "o", "z"], in: text)
                == [#""x\"y""#, #"[ 1, {"a":2} ]"#, "-1.50e2", "null", "{}", nil])
    }

    @Test("a name may be escaped, and the last of equal names counts")
    func names() throws {
        #expect(try find(["a", "\n"], in: #"{"a":1,"\u0061":2,"\n":3}"#) == ["2", "3"])
        #expect(try find(["a"], in: #"{"aa":1,"":2,"A":3}"#) == [nil])
    }

    @Test("forgets the object before")
    func reuse() throws {
        var fields = JSONFields(["a"])
        let first = Array(#"{"a":1}"#.utf8)
        let second = Array("{}".utf8)
        try fields.find(in: first.rawSpan)
        #expect(fields.range(of: 0) == 5..<6)
        try fields.find(in: second.rawSpan)
        #expect(fields.range(of: 0) == nil)
    }

    @Test(
        "accepts what JSONObject accepts",
        arguments: [
            "{}", " {} ", #"{"a":1}"#, "{}x", "{", "", "[]", "1", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1} x"#,
            #"{"a":1"#, #"{,}"#, #"{a:1}"#, #"{"a":01}"#, "{\"a\":\"\u{1}\"}", #"{"a":1 "b":2}"#, #"{"a":tru}"#,
        ])
    func strictness(text: String) {
        let bytes = Array(text.utf8)
        let expected: JSONViolation?
        do throws(JSONViolation) {
            _ = try JSONObject(parsing: bytes.rawSpan)
            expected = nil
        } catch {
            expected = error
        }
        let violation: JSONViolation?
        do throws(JSONViolation) {
            _ = try find(["a"], in: text)
            violation = nil
        } catch {
            violation = error
        }
        #expect(violation == expected)
    }
}
