import Bytes
import HTTP
import Testing

/// Each limit is inclusive and also applies to incomplete requests.
struct LimitTests {
    private let limits = RequestParser.Limits(requestLineBytes: 40, headBytes: 100, headerCount: 5, bodyBytes: 20)

    private func first(_ text: String) -> Outcome? {
        parse(text, limits: limits).first
    }

    private func isAccepted(_ text: String) -> Bool {
        if case .request? = first(text) { true } else { false }
    }

    @Test func `request line`() {
        let line = { (length: Int) in "GET /" + String(repeating: "a", count: length - 14) + " HTTP/1.1" }
        #expect(isAccepted(line(40) + "\r\nHost: h\r\n\r\n"))
        #expect(first(line(41) + "\r\nHost: h\r\n\r\n") == .violation(.requestLineTooLong))
        #expect(first(String(line(100).prefix(40))) == .incomplete)
        #expect(first(String(line(100).prefix(41))) == .violation(.requestLineTooLong))
        #expect(first(line(40) + "\r") == .incomplete)
        #expect(first(line(40) + "\n") == .violation(.requestLineTooLong))
        #expect(first(line(39) + "\n") == .violation(.bareLF))
        #expect(first(line(40) + "\rX") == .violation(.bareCR))
    }

    @Test func `head bytes`() {
        let head = { (length: Int) in
            get("X: " + String(repeating: "a", count: length - get("X: \r\n").utf8.count) + "\r\n")
        }
        #expect(isAccepted(head(100)))
        #expect(isAccepted(head(100) + head(100)))
        #expect(first(head(101)) == .violation(.headTooLarge))
        #expect(first(head(102)) == .violation(.headTooLarge))
        #expect(first(String(decoding: head(200).utf8.prefix(100), as: UTF8.self)) == .incomplete)
        #expect(first(String(decoding: head(200).utf8.prefix(101), as: UTF8.self)) == .violation(.headTooLarge))
    }

    @Test func `the byte past the limit decides, whatever it is`() {
        let full = Array(get("X: ").utf8).dropLast(2) + Array(repeating: UInt8(ascii: "a"), count: 100)
        for byte in [UInt8](0...255) {
            #expect(outcomes([full.prefix(100) + [byte]], limits: limits) == [.violation(.headTooLarge)])
        }
    }

    @Test func `header count`() {
        #expect(isAccepted(get(String(repeating: "a:\r\n", count: 4))))
        #expect(first(get(String(repeating: "a:\r\n", count: 5))) == .violation(.tooManyHeaders))
        #expect(first("GET / HTTP/1.1\r\n" + String(repeating: "a:\r\n", count: 6)) == .violation(.tooManyHeaders))
    }

    @Test func `announced body`() {
        let post = { (length: Int) in "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n" }
        #expect(isAccepted(post(20) + String(repeating: "b", count: 20)))
        #expect(first(post(21)) == .violation(.bodyTooLarge))
    }

    @Test func `chunked body`() {
        let twenty = "a\r\n0123456789\r\na\r\n0123456789\r\n"
        let body = { (chunks: String) in chunked(chunks) }
        #expect(isAccepted(body(twenty + "0\r\n\r\n")))
        #expect(isAccepted(body("14\r\n01234567890123456789\r\n0\r\n\r\n")))
        #expect(first(body(twenty + "1")) == .violation(.bodyTooLarge))
        #expect(first(body("15")) == .violation(.bodyTooLarge))
        #expect(first(body("1\r\na\r\n14")) == .violation(.bodyTooLarge))
    }

    @Test func `chunk extensions together`() {
        let eleven = "1;" + String(repeating: "e", count: 49) + "\r\nx\r\n"
        #expect(isAccepted(chunked(eleven + eleven + "0\r\n\r\n")))
        #expect(first(chunked(eleven + eleven + "1;")) == .violation(.chunkExtensionsTooLarge))
        #expect(first(chunked("1" + String(repeating: " ", count: 100))) == .incomplete)
        #expect(first(chunked("1" + String(repeating: " ", count: 101))) == .violation(.chunkExtensionsTooLarge))
    }

    @Test func `trailer fields together`() {
        // A trailer line counts with its LF.
        let line = "T: " + String(repeating: "t", count: 45) + "\r\n"
        #expect(line.utf8.count == 50)
        #expect(isAccepted(chunked("0\r\n" + line + line + "\r\n")))
        #expect(first(chunked("0\r\n" + line + line + "T")) == .violation(.trailersTooLarge))
    }

    @Test(arguments: ["", "GET /", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: "])
    func `an endless head is refused at the limit, byte by byte`(beginning: String) {
        var parser = RequestParser(limits: .init())
        let bytes = Array(beginning.utf8)
        let limit = bytes.contains(UInt8(ascii: "\n")) ? 16384 : 8192
        var refusedAt: Int?
        for index in 0..<20_000 where refusedAt == nil {
            let input = [index < bytes.count ? bytes[index] : UInt8(ascii: "a")]
            var offset = 0
            do throws(HTTPViolation) { _ = try parser.next(input.rawSpan, from: &offset) } catch { refusedAt = index }
        }
        #expect(refusedAt == limit)
    }

    @Test func `the defaults are inclusive too`() {
        let body = String(repeating: "b", count: 1 << 20)
        let post = Array("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(1 << 20)\r\n\r\n\(body)".utf8)
        #expect(outcomes([post[...]]) == [.request(Seen(.post, "/", body: body))])
        #expect(outcomes([post[..<5000], post[5000...]]) == [.request(Seen(.post, "/", body: body))])
        let many = get(String(repeating: "a:\r\n", count: 99))
        #expect(parse(many, stride: 20) == [.request(Seen(.get, "/"))])
    }
}
