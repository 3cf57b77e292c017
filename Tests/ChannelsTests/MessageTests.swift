import Bytes
import Testing

@testable import Channels

private func frame(_ channel: String, _ payload: [UInt8], _ encoding: WireEncoding) -> [UInt8] {
    var bytes: [UInt8] = [0xEE]
    var deflaters = DeflaterSet()
    let message = Message(channel: channel, payload: payload, receivedNanoseconds: 7)
    message.appendFrame(WireForm(encoding), &deflaters, to: &bytes)
    #expect(bytes.first == 0xEE, "what was there before stays")
    return Array(bytes.dropFirst())
}

private func envelope(_ channel: String, _ payload: String) -> [UInt8] {
    frame(channel, Array(payload.utf8), .envelope)
}

@Suite struct MessageTests {
    @Test(arguments: ["", "hello", "чат 😀", "{\"a\":1}", "\u{0}\n"])
    func textTravelsVerbatimInATextFrame(text: String) {
        #expect(frame("c", Array(text.utf8), .plain) == serverFrame(1, Array(text.utf8)))
    }

    @Test(arguments: [[0xFF], [0x61, 0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func otherBytesTravelVerbatimInABinaryFrame(payload: [UInt8]) {
        #expect(frame("c", payload, .plain) == serverFrame(2, payload))
    }

    @Test(arguments: [125, 126, 65_535, 65_536])
    func longPayloads(count: Int) {
        let payload = [UInt8](repeating: 0x78, count: count)
        #expect(frame("c", payload, .plain) == serverFrame(1, payload))
        let string = "\"" + String(repeating: "x", count: count) + "\""
        #expect(frame("c", payload, .envelope) == textFrame("{\"channel\":\"c\",\"data\":\(string)}"))
    }

    @Test(
        arguments: [
            "1", "null", "\"s\"", "[1, 2 ]", " {\"a\" : \"\\u00e9\"}\n", "-0.5e+3", "{}", "12345678901234567890",
        ])
    func theEnvelopeHoldsJSONVerbatim(json: String) {
        #expect(envelope("c", json) == textFrame("{\"channel\":\"c\",\"data\":\(json)}"))
    }

    @Test(
        arguments: [
            ("", "\"\""), ("hello", "\"hello\""), ("{\"a\":", "\"{\\\"a\\\":\""), ("01", "\"01\""), ("NaN", "\"NaN\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""), ("1 2", "\"1 2\""), ("чат 😀", "\"чат 😀\""),
        ])
    func theEnvelopeHoldsOtherTextAsAString(text: String, string: String) {
        #expect(envelope("c", text) == textFrame("{\"channel\":\"c\",\"data\":\(string)}"))
    }

    @Test func controlCharactersInTextAreEscaped() throws {
        let parsed = parseFrames(envelope("c", "a\nb\u{1}c"))
        let text = try #require(parsed.texts.first)
        #expect(!text.utf8.contains { $0 < 0x20 })
        let bytes = Array(text.utf8)
        let isValid = JSON.isValid(bytes.rawSpan)
        #expect(isValid)
    }

    @Test(
        arguments: [
            ([0xFF], "/w=="), ([0xFF, 0xFE], "//4="), ([0x00, 0xFF, 0x10], "AP8Q"),
            ([0x61, 0x62, 0x63, 0x80], "YWJjgA=="),
        ] as [([UInt8], String)])
    func theEnvelopeHoldsOtherBytesAsBase64(payload: [UInt8], base64: String) {
        #expect(frame("c", payload, .envelope) == textFrame("{\"channel\":\"c\",\"data_base64\":\"\(base64)\"}"))
    }

    @Test(arguments: [("a\"b", "a\\\"b"), ("\\", "\\\\"), ("чат", "чат"), ("\"},{\"", "\\\"},{\\\"")])
    func namesAreEscaped(name: String, escaped: String) {
        #expect(envelope(name, "1") == textFrame("{\"channel\":\"\(escaped)\",\"data\":1}"))
    }

    @Test func everyEncodingGivesTheSameBytesEachTime() {
        let message = message("c", "text", at: 42)
        for encoding in [WireEncoding.envelope, .plain, .envelope, .plain] {
            var bytes: [UInt8] = []
            var deflaters = DeflaterSet()
            message.appendFrame(WireForm(encoding), &deflaters, to: &bytes)
            #expect(bytes == frame("c", Array("text".utf8), encoding))
        }
        #expect(message.receivedNanoseconds == 42)
        #expect(message.isText)
    }
}
