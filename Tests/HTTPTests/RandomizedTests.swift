import Bytes
import HTTP
import TestSupport
import Testing

/// Compares random inputs with naive parsers, and random splits with unsplit input.
struct RandomizedTests {
    @Test(arguments: 0..<8)
    func `chunks agree with a naive decoder`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<250 {
            var body = randomChunks(&generator)
            if Bool.random(using: &generator) { mutate(&body, &generator) }
            let expected = NaiveChunks.decode(body)
            let seen = outcomes(cut(Array(chunked("").utf8) + body, &generator))
            if let expected {
                accepted += 1
                let text = String(decoding: expected.body, as: UTF8.self)
                #expect(seen.first == .request(Seen(.post, "/", body: text)), "\(body)")
            } else if case .request? = seen.first {
                Issue.record("accepted \(String(decoding: body, as: UTF8.self))")
            }
        }
        #expect(accepted > 100)
    }

    @Test(arguments: 0..<8)
    func `what is said does not depend on how the input is cut`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed &+ 1000)
        let limits = RequestParser.Limits(requestLineBytes: 60, headBytes: 150, headerCount: 6, bodyBytes: 40)
        for _ in 0..<250 {
            var input: [UInt8] = []
            for _ in 0..<3 { input += randomRequest(&generator) }
            for _ in 0..<Int.random(in: 0...2, using: &generator) { mutate(&input, &generator) }
            let whole = outcomes([input[...]], limits: limits)
            let single = outcomes(input.indices.map { input[$0...$0] }, limits: limits)
            #expect(single == whole)
            for _ in 0..<4 {
                #expect(outcomes(cut(input, &generator), limits: limits) == whole)
            }
        }
    }

    private func randomRequest(_ generator: inout SeededGenerator) -> [UInt8] {
        let texts = [
            get(), get("X: a, b\r\n"), "POST /p?c=d HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
            "\r\n" + get(),
            "GET http://a/b HTTP/1.1\r\nHost: h:80\r\nConnection: close\r\n\r\n", "OPTIONS * HTTP/1.0\r\n\r\n",
        ]
        guard Int.random(in: 0..<3, using: &generator) > 0 else {
            return Array(chunked("").utf8) + randomChunks(&generator)
        }
        return Array(texts[Int.random(in: 0..<texts.count, using: &generator)].utf8)
    }

    private func randomChunks(_ generator: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            let size = Int.random(in: 1...20, using: &generator)
            bytes += Array(String(size, radix: 16, uppercase: Bool.random(using: &generator)).utf8)
            bytes += Array(["", "", ";a", " ; a=\"b\"", "\t;"][Int.random(in: 0..<5, using: &generator)].utf8)
            bytes += Array("\r\n".utf8)
            for _ in 0..<size { bytes.append(Array("ab0\r\n;: ".utf8)[Int.random(in: 0..<8, using: &generator)]) }
            bytes += Array("\r\n".utf8)
        }
        return bytes
            + Array(
                ["0\r\n\r\n", "00;x\r\n\r\n", "0\r\nA: b\r\nC:\r\n\r\n"][Int.random(in: 0..<3, using: &generator)].utf8)
    }

    /// Replaces, removes or inserts one byte that matters to the grammar.
    private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let alphabet = Array("\r\n \t;:,059afgGT/%?*#\u{0}\u{7F}\"".utf8) + [0x80, 0xFF]
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = byte
        case 1: bytes.remove(at: index)
        default: bytes.insert(byte, at: index)
        }
    }

    private func cut(_ input: [UInt8], _ generator: inout SeededGenerator) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < input.count {
            let end = min(input.count, start + Int.random(in: 1...40, using: &generator))
            pieces.append(input[start..<end])
            start = end
        }
        return pieces
    }
}

/// Reads a whole chunked body line by line; nil unless it is complete and valid.
private struct NaiveChunks {
    private var rest: ArraySlice<UInt8>

    static func decode(_ input: [UInt8]) -> (body: [UInt8], consumed: Int)? {
        var reader = NaiveChunks(rest: input[...])
        var body: [UInt8] = []
        while let size = reader.sizeLine() {
            if size == 0 { return reader.trailers() ? (body, reader.rest.startIndex) : nil }
            guard reader.rest.count >= size + 2 else { return nil }
            body += reader.rest.prefix(size)
            reader.rest = reader.rest.dropFirst(size)
            guard Array(reader.rest.prefix(2)) == Array("\r\n".utf8) else { return nil }
            reader.rest = reader.rest.dropFirst(2)
        }
        return nil
    }

    /// The next line, which may hold no control but HTAB.
    private mutating func line() -> String? {
        guard let end = rest.firstIndex(where: { $0 < 0x20 && $0 != 9 || $0 == 0x7F }),
            Array(rest[end...].prefix(2)) == Array("\r\n".utf8)
        else { return nil }
        defer { rest = rest[(end + 2)...] }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private mutating func sizeLine() -> Int? {
        guard let line = line() else { return nil }
        let parts = line.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        var digits = parts[0]
        if parts.count == 2 {
            while digits.last == " " || digits.last == "\t" { digits.removeLast() }
        }
        guard digits.utf8.count <= 16, digits.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
            return nil
        }
        return Int(digits, radix: 16)
    }

    private mutating func trailers() -> Bool {
        while let line = line() {
            if line.isEmpty { return true }
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else { return false }
            let name = line[..<colon]
            let others = "!#$%&'*+-.^_`|~"
            guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || others.contains($0)) }) else {
                return false
            }
        }
        return false
    }
}
