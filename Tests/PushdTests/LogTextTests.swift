import Testing

@testable import pushd

@Suite struct LogTextTests {
    @Test(arguments: [
        ("a\nb\r\tc", #"a\nb\r\tc"#),
        ("\u{1B}[31m\u{0}\u{7F}", #"\u001b[31m\u0000\u007f"#),
        ("\u{85}\u{9B}\u{A0}", "\\u0085\\u009b\u{A0}"),
        ("\u{2028}\u{2029}\u{202E}\u{FEFF}", #"\u2028\u2029\u202e\ufeff"#),
        ("\u{E0041}", #"\udb40\udc41"#),
        (#"C:\n"#, #"C:\\n"#),
        ("e\u{301}\n", "e\u{301}\\n"),
    ]) func `what could begin a line or command a terminal is escaped`(text: String, shown: String) {
        #expect(LogText.escaping(text) == shown)
    }

    @Test func `other text stays as it is`() {
        let text = "redis disconnected: 127.0.0.1:6379 \"gone\", Grüße 🎉"
        #expect(LogText.escaping(text) == text)
    }
}
