// Compares the scanner with a naive recursive validator, on random documents and on each of them with one byte changed.

import Bytes
import TestSupport
import Testing

/// RFC 8259 as a recursive parser: each rule returns the rest of the text after it, or nil.
private enum NaiveJSON {
    typealias Rest = ArraySlice<Character>

    static func isValid(_ bytes: [UInt8]) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        let characters = text.unicodeScalars.map { Character($0) }
        guard let rest = value(characters[...], depth: 0) else { return false }
        return space(rest).isEmpty
    }

    static func space(_ text: Rest) -> Rest {
        text.drop { [" ", "\t", "\n", "\r"].contains($0) }
    }

    static func value(_ text: Rest, depth: Int) -> Rest? {
        let text = space(text)
        switch text.first {
        case "{": return depth == 128 ? nil : list(text.dropFirst(), "}") { member($0, depth: depth + 1) }
        case "[": return depth == 128 ? nil : list(text.dropFirst(), "]") { value($0, depth: depth + 1) }
        case "\"": return string(text)
        case "-": return number(text.dropFirst())
        default:
            for word in ["true", "false", "null"] where text.starts(with: word) { return text.dropFirst(word.count) }
            return number(text)
        }
    }

    static func list(_ text: Rest, _ end: Character, _ element: (Rest) -> Rest?) -> Rest? {
        if space(text).first == end { return space(text).dropFirst() }
        guard let rest = element(text).map(space) else { return nil }
        if rest.first == end { return rest.dropFirst() }
        guard rest.first == "," else { return nil }
        let another = space(rest.dropFirst())
        return another.first == end ? nil : list(another, end, element)
    }

    static func member(_ text: Rest, depth: Int) -> Rest? {
        guard let rest = string(space(text)).map(space), rest.first == ":" else { return nil }
        return value(rest.dropFirst(), depth: depth)
    }

    static func string(_ text: Rest) -> Rest? {
        guard text.first == "\"" else { return nil }
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == "\"" { return rest }
            if let ascii = character.asciiValue, ascii < 0x20 { return nil }
            guard character == "\\" else { continue }
            guard let escape = rest.popFirst(), "\"\\/bfnrtu".contains(escape) else { return nil }
            guard escape == "u" else { continue }
            guard rest.prefix(4).allSatisfy({ $0.isASCII && $0.isHexDigit }), rest.count >= 4 else { return nil }
            rest = rest.dropFirst(4)
        }
        return nil
    }

    static func number(_ text: Rest) -> Rest? {
        guard var rest = text.first == "0" ? text.dropFirst() : digits(text) else { return nil }
        if rest.first == "." {
            guard let fraction = digits(rest.dropFirst()) else { return nil }
            rest = fraction
        }
        guard rest.first == "e" || rest.first == "E" else { return rest }
        rest = rest.dropFirst()
        return digits(rest.first == "+" || rest.first == "-" ? rest.dropFirst() : rest)
    }

    static func digits(_ text: Rest) -> Rest? {
        let rest = text.drop { $0.isASCII && $0.isNumber }
        return rest.count == text.count ? nil : rest
    }
}

/// Writes random JSON.
private struct JSONGenerator {
    var random: SeededGenerator

    mutating func pick(_ choices: [String]) -> String {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }

    mutating func space() -> String {
        pick(["", "", "", "", " ", "\n", "\t\r "])
    }

    mutating func value(depth: Int) -> String {
        let inner = Int.random(in: 0..<(depth == 0 ? 5 : 8), using: &random)
        switch inner {
        case 0: return pick(["true", "false", "null"])
        case 1, 2: return number()
        case 3, 4: return string()
        case 5: return "[" + space() + "]"
        default:
            let count = Int.random(in: 1...4, using: &random)
            let isObject = inner == 6
            let elements = (0..<count).map { _ in
                let name = isObject ? string() + space() + ":" : ""
                return space() + name + space() + value(depth: depth - 1) + space()
            }
            return (isObject ? "{" : "[") + elements.joined(separator: ",") + (isObject ? "}" : "]")
        }
    }

    mutating func number() -> String {
        pick(["", "-"]) + pick(["0", "7", "10", "982451653"]) + pick(["", "", ".0", ".250"])
            + pick(["", "", "e5", "E-07", "e+10"])
    }

    mutating func string() -> String {
        let pieces = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            pick([
                "a", "plain text", "a somewhat longer run of plain text", #"\n"#, #"\""#, #"\\"#, #"\/"#, #"\u00e9"#,
                #"\uD83D\uDE00"#,
                #"\ud800"#, "é", "€uro", "😀", "Привет, мир", "\u{7F}", "日本語", "'", "{", "]",
            ])
        }
        return "\"" + pieces.joined() + "\""
    }
}

@Suite("JSON against a naive validator")
struct JSONDifferentialTests {
    /// Bytes that matter to the grammar; other bytes are tried at random.
    private static let hostileBytes =
        Array("\"\\{}[],:0e.-+ \n\tu/a".utf8) + [0x00, 0x1F, 0x7F, 0x80, 0xC2, 0xE0, 0xED, 0xF4, 0xFF]

    @Test(
        "random documents are valid, and agree with every byte of them changed",
        arguments: 1...24 as ClosedRange<UInt64>)
    func corruption(seed: UInt64) {
        var generator = JSONGenerator(random: SeededGenerator(seed: seed))
        for _ in 0..<8 {
            let document = Array((generator.space() + generator.value(depth: 3) + generator.space()).utf8)
            #expect(NaiveJSON.isValid(document))
            expectAgreement(document)
            for offset in document.indices {
                var corrupted = document
                corrupted[offset] = Self.hostileBytes.randomElement(using: &generator.random) ?? 0
                expectAgreement(corrupted)
                corrupted[offset] = UInt8.random(in: 0...255, using: &generator.random)
                expectAgreement(corrupted)
                corrupted.remove(at: offset)
                expectAgreement(corrupted)
            }
        }
    }

    @Test("short random texts of grammar bytes get the same verdict")
    func noise() {
        let alphabet = Array("[]{},:\"\\0-.e1 tu".utf8)
        var random = SeededGenerator(seed: 2026)
        for _ in 0..<20_000 {
            let length = Int.random(in: 1...6, using: &random)
            expectAgreement((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
        }
    }

    @Test("an object is read exactly when the text is a valid object")
    func objects() {
        var generator = JSONGenerator(random: SeededGenerator(seed: 8259))
        for _ in 0..<200 {
            var text = Array(generator.value(depth: 2).utf8)
            text[Int.random(in: 0..<text.count, using: &generator.random)] =
                Self.hostileBytes.randomElement(using: &generator.random) ?? 0
            let isObject =
                NaiveJSON.isValid(text) && text.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
            let object = try? JSONObject(parsing: text.rawSpan)
            #expect((object != nil) == isObject)
        }
    }

    private func expectAgreement(_ text: [UInt8]) {
        let verdict = JSON.isValid(text.rawSpan)
        if verdict != NaiveJSON.isValid(text) {
            Issue.record("isValid says \(verdict): \(String(decoding: text, as: UTF8.self)) \(text)")
        }
    }
}
