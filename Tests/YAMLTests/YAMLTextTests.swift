import Testing

@testable import YAML

@Suite struct YAMLTextTests {
    @Test(arguments: [
        ("info", "info"), ("https://a.example", "https://a.example"), ("20", "20"), ("4MiB", "4MiB"),
        ("private.*", "\"private.*\""), ("yes", "\"yes\""), ("Null", "\"Null\""), ("1e3", "\"1e3\""),
        ("0x1F", "\"0x1F\""), ("", "\"\""), ("a: b", "\"a: b\""), ("a:", "\"a:\""), ("\"\\\n", "\"\\\"\\\\\\n\""),
        ("-1", "\"-1\""), ("\u{7F}", "\"\\U0000007f\""),
    ])
    func quotesWhereTheyAreNeeded(text: String, quoted: String) {
        #expect(YAMLText.quoted(text) == quoted)
    }

    @Test func everyTextIsReadAsItWas() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array(
            "abz019 \t\n'\"\\:#-?[]{}&*!|>%@`,.~é€😀\u{85}\u{FEFF}\u{2028}\u{0}\u{1B}\u{E000}".unicodeScalars)
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...8, using: &generator) {
                text.unicodeScalars.append(alphabet.randomElement(using: &generator) ?? "a")
            }
            let document = YAMLDocument(parsing: Array("k: \(YAMLText.quoted(text))".utf8))
            guard case .mapping(let members)? = document.root?.content,
                case .text(let read, _)? = members.first?.value.content
            else {
                Issue.record("\(text.debugDescription) is unreadable: \(document.violations)")
                return
            }
            #expect(Array(read.utf8) == Array(text.utf8) && members.first?.value.isNull == false)
        }
    }
}
