import Bytes
import Testing

private func encoded(_ text: String) -> String {
    var output: [UInt8] = []
    JSON.appendString(text, to: &output)
    return String(decoding: output, as: UTF8.self)
}

/// The value of the JSON string `json`.
private func decoded(_ json: String) throws -> String? {
    let text = Array("{\"s\":\(json)}".utf8)
    guard case .string(let value) = try JSONObject(parsing: text.rawSpan)["s"] else { return nil }
    return value
}

@Suite("JSON strings")
struct JSONStringTests {
    @Test(
        "writes quotes, backslashes and control characters as escapes and the rest as it is",
        arguments: [
            ("", #""""#), ("a", #""a""#), ("say \"hi\"", #""say \"hi\"""#), (#"a\b"#, #""a\\b""#), ("a/b", #""a/b""#),
            ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#), ("\u{0}\u{1}\u{1F}\u{1B}", #""\u0000\u0001\u001f\u001b""#),
            ("\u{7F}é€😀\u{2028}", "\"\u{7F}é€😀\u{2028}\""), ("\"", #""\"""#), ("\\\"\\", #""\\\"\\""#),
        ])
    func writes(text: String, json: String) {
        #expect(encoded(text) == json)
    }

    @Test("appends to existing text, and takes bytes as well as a String")
    func appends() {
        var output = Array("[".utf8)
        let bytes = Array("ü\n".utf8)
        JSON.appendString(bytes.rawSpan, to: &output)
        JSON.appendString("x", to: &output)
        #expect(String(decoding: output, as: UTF8.self) == #"["ü\n""x""#)
    }

    @Test(
        "reads escapes",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u20AC""#, "Aé€"),
            (#""\u0000""#, "\u{0}"),
            (#""\\u0041""#, #"\u0041"#), (#""a\nb\nc""#, "a\nb\nc"), (#""\uFFFF\uFFFE""#, "\u{FFFF}\u{FFFE}"),
            (#""plain é€😀""#, "plain é€😀"), (#""é\té""#, "é\té"), (#""""#, ""),
        ])
    func readsEscapes(json: String, text: String) throws {
        #expect(try decoded(json) == text)
    }

    @Test(
        "joins surrogate pairs and replaces halves",
        arguments: [
            (#""\uD83D\uDE00""#, "😀"), (#""\ud83d\ude00!""#, "😀!"), (#""\uD800\uDC00""#, "\u{10000}"),
            (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
            (#""\uD800""#, "\u{FFFD}"), (#""\uDC00""#, "\u{FFFD}"), (#""\uD83Dx""#, "\u{FFFD}x"),
            (#""\uD83D\n""#, "\u{FFFD}\n"),
            (#""\uD83D\u0041""#, "\u{FFFD}A"), (#""\uD83D\uD83D\uDE00""#, "\u{FFFD}😀"),
            (#""\uDE00\uD83D""#, "\u{FFFD}\u{FFFD}"),
            (#""\uD83D\\uDE00""#, "\u{FFFD}\\uDE00"), (#""\u0041\uDE00""#, "A\u{FFFD}"),
            (#""\uDE00\uDE00""#, "\u{FFFD}\u{FFFD}"),
            (#""\uD7FF\uE000""#, "\u{D7FF}\u{E000}"),
        ])
    func surrogates(json: String, text: String) throws {
        #expect(try decoded(json) == text)
    }

    @Test("every character survives being written and read, at every place in a run")
    func roundTrip() throws {
        let characters =
            (0..<0x100).compactMap { Unicode.Scalar($0) } + [
                "\u{7FF}", "\u{800}", "\u{FFFD}", "\u{1F600}", "\u{10FFFF}",
            ]
        for scalar in characters {
            for length in 0..<20 {
                let text =
                    String(repeating: "a", count: length) + String(scalar) + String(repeating: "z", count: 19 - length)
                let json = encoded(text)
                #expect(try decoded(json) == text)
            }
        }
    }
}
