import Bytes
import Channels
import TestSupport
import Testing

@testable import Protocols

private func envelope(_ channel: String, _ payload: [UInt8]) -> String {
    var text = [UInt8(ascii: "!")]
    EnvelopeEncoder().encode(Message(channel: channel, payload: payload, receivedNanoseconds: 7), into: &text)
    #expect(text.first == UInt8(ascii: "!"), "what was there before stays")
    return String(decoding: text.dropFirst(), as: UTF8.self)
}

private func envelope(_ channel: String, _ payload: String) -> String { envelope(channel, Array(payload.utf8)) }

private func notice(_ notice: DeliveryNotice, of channel: String) -> String {
    var text: [UInt8] = []
    #expect(EnvelopeEncoder().encode(notice, of: channel, into: &text))
    return String(decoding: text, as: UTF8.self)
}

@Suite struct EnvelopeEncoderTests {
    @Test(
        arguments: [
            "1", "null", "\"s\"", "[1, 2 ]", " {\"a\" : \"\\u00e9\"}\n", "-0.5e+3", "{}", "12345678901234567890",
        ])
    func holdsJSONVerbatim(json: String) {
        #expect(envelope("c", json) == "{\"channel\":\"c\",\"data\":\(json)}")
    }

    @Test(
        arguments: [
            ("", "\"\""), ("hello", "\"hello\""), ("{\"a\":", "\"{\\\"a\\\":\""), ("01", "\"01\""), ("NaN", "\"NaN\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""), ("1 2", "\"1 2\""), ("чат 😀", "\"чат 😀\""),
        ])
    func holdsOtherTextAsAString(text: String, string: String) {
        #expect(envelope("c", text) == "{\"channel\":\"c\",\"data\":\(string)}")
    }

    @Test(
        arguments: [
            ([0xFF], "/w=="), ([0xFF, 0xFE], "//4="), ([0x00, 0xFF, 0x10], "AP8Q"),
            ([0x61, 0x62, 0x63, 0x80], "YWJjgA=="),
        ] as [([UInt8], String)])
    func holdsOtherBytesAsBase64(payload: [UInt8], base64: String) {
        #expect(envelope("c", payload) == "{\"channel\":\"c\",\"data_base64\":\"\(base64)\"}")
    }

    @Test(arguments: [("a\"b", "a\\\"b"), ("\\", "\\\\"), ("чат", "чат"), ("\"},{\"", "\\\"},{\\\"")])
    func namesAreEscaped(name: String, escaped: String) {
        #expect(envelope(name, "1") == "{\"channel\":\"\(escaped)\",\"data\":1}")
        #expect(notice(.missed(count: 7), of: name) == #"{"event":"missed","channel":"\#(escaped)","count":7}"#)
    }

    @Test(arguments: [(0, "0.1"), (0.01, "0.1"), (0.1, "0.1"), (1, "1.0"), (1.25, "1.3"), (61.5, "61.5")])
    func aGapIsToldInTenthsOfASecond(seconds: Double, text: String) {
        #expect(notice(.gap(seconds: seconds), of: "c") == #"{"event":"gap","channel":"c","seconds":\#(text)}"#)
    }

    @Test func aLossSaysWhereTheNumbersGoOn() {
        #expect(
            notice(.lost(next: StreamPosition(epoch: "e", offset: 7)), of: "c")
                == #"{"event":"gap","channel":"c","recovered":false,"epoch":"e","offset":7}"#)
    }

    /// Payloads of all kinds, cut and mixed, against an envelope put together character by character.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func isWhatANaiveCompositionGives(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = [
            "{\"a\":1}", "[", "]", "\"", "\\", "\n", "\u{1}", "\u{7F}", "12", ",", " ", "null", "é", "😀", "x",
            "plain text ",
        ]
        for _ in 0..<500 {
            var payload: [UInt8] = []
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                payload += (parts.randomElement(using: &random) ?? "").utf8
            }
            let isBinary = Int.random(in: 0..<4, using: &random) == 0
            if isBinary { payload.append(UInt8.random(in: 0x80...0xFF, using: &random)) }
            let channel = parts.randomElement(using: &random) ?? ""
            #expect(envelope(channel, payload) == naiveEnvelope(channel, payload))
        }
    }
}

private func naiveEnvelope(_ channel: String, _ payload: [UInt8]) -> String {
    let name = naiveString(channel)
    guard let text = String(validating: payload, as: UTF8.self) else {
        return "{\"channel\":\(name),\"data_base64\":\"\(naiveBase64(payload))\"}"
    }
    let isJSON = JSON.isValid(payload.rawSpan)
    return "{\"channel\":\(name),\"data\":\(isJSON ? text : naiveString(text))}"
}

private func naiveString(_ text: String) -> String {
    let names: [Unicode.Scalar: String] = [
        "\"": "\\\"", "\\": "\\\\", "\u{8}": "\\b", "\t": "\\t", "\n": "\\n", "\u{C}": "\\f", "\r": "\\r",
    ]
    let escaped = text.unicodeScalars.map { scalar in
        if let name = names[scalar] { return name }
        guard scalar.value < 0x20 else { return String(Character(scalar)) }
        return "\\u00" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
    }
    return "\"" + escaped.joined() + "\""
}

/// RFC 4648 section 4, bit by bit.
private func naiveBase64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
    let digits = stride(from: 0, to: bits.count, by: 6).map { start in
        (0..<6).reduce(0) { $0 << 1 | Int(start + $1 < bits.count ? bits[start + $1] : 0) }
    }
    return String(digits.map { alphabet[$0] }) + String(repeating: "=", count: (3 - bytes.count % 3) % 3)
}
