import Bytes
import Testing

@Suite("arrays of strings") struct JSONStringsTests {
    private func strings(_ text: String) -> [String]? {
        let bytes = Array(text.utf8)
        return JSON.strings(bytes.rawSpan)
    }

    @Test(
        "reads strings without their escapes",
        arguments: [
            ("[]", []), (" [ ] ", []), (#"["a"]"#, ["a"]), (#"["a","b"]"#, ["a", "b"]),
            (#" [ "a" , "" ] "#, ["a", ""]),
            (#"["\u00e9\"\\","]","["]"#, ["é\"\\", "]", "["]),
        ])
    func reads(text: String, expected: [String]) {
        #expect(strings(text) == expected)
    }

    @Test(
        "takes nothing else",
        arguments: [
            "", "null", #""a""#, "{}", "[1]", "[null]", #"["a",]"#, #"[,"a"]"#, #"["a" "b"]"#, #"["a"#, #"["a""#, "[",
            "]",
            #"["a"]]"#, #"["a"] 1"#, #"[["a"]]"#, #"["a",{}]"#,
        ])
    func refuses(text: String) {
        #expect(strings(text) == nil)
    }
}
