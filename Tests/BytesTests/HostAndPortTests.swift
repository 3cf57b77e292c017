import Bytes
import Testing

@Suite struct HostAndPortTests {
    @Test(
        arguments: [
            ("h", "h", nil), ("h:80", "h", "80"), ("h:", "h", ""), (":80", "", "80"), ("", "", nil),
            ("[::1]", "::1", nil), ("[::1]:80", "::1", "80"), ("[::1]:", "::1", ""), ("[]:80", "", "80"),
            ("::1:80", "::1", "80"), ("h:_x", "h", "_x"), ("[h]", "h", nil),
        ] as [(String, String, String?)])
    func aTextIsTakenApart(text: String, host: String, port: String?) throws {
        let parts = try #require(HostAndPort(text[...]))
        #expect(parts.host == host && parts.port.map(String.init) == port)
        #expect(parts.isBracketed == text.hasPrefix("["))
        #expect(parts.writtenHost == (parts.isBracketed ? "[\(host)]" : host))
    }

    @Test(arguments: ["[", "[::1", "[::1]x", "[::1]80", "[::1]]", "[a]b:1"]) func brackets(text: String) {
        #expect(HostAndPort(text[...]) == nil)
    }

    @Test(arguments: [("h", true), ("[::1]", true), ("::1:80", false), ("[h]", false), ("[1.2.3.4]:1", false)])
    func onlyAnIPv6AddressIsInBrackets(text: String, isRight: Bool) throws {
        #expect(try #require(HostAndPort(text[...])).hasRightBrackets == isRight)
    }

    @Test(
        arguments: [
            ("0", 0), ("65535", 65_535), ("080", 80), ("65536", nil), ("", nil), ("+1", nil), ("-1", nil), ("x", nil),
            ("8 0", nil), ("٨", nil),
        ] as [(String, UInt16?)])
    func aPortIsANumber(text: String, number: UInt16?) throws {
        #expect(try #require(HostAndPort("h:\(text)"[...])).portNumber == number)
        #expect(try #require(HostAndPort("h"[...])).portNumber == nil)
    }

    @Test("A mark that combines with a separator hides it in a String, not here")
    func combiningMarks() {
        let parts = HostAndPort("a\u{600}:80")
        #expect(parts?.host == "a\u{600}")
        #expect(parts?.portNumber == 80)
        #expect(HostAndPort("[::1]\u{301}:80") == nil)
        #expect(HostAndPort("a:\u{301}80")?.portNumber == nil)
    }
}
