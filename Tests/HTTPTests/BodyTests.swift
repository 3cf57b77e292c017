import Bytes
import HTTP
import Testing

struct BodyTests {
    @Test(arguments: [("0", ""), ("5", "hello"), ("0005", "hello"), ("1", "\r"), ("2", "\r\n"), ("4", "GET ")])
    func `a body with a length`(length: String, body: String) {
        let text = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n\(body)"
        #expect(parse(text) == [.request(Seen(.post, "/p", body: body))])
    }

    @Test(arguments: [
        ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("2\r\nhe\r\n3\r\nllo\r\n000\r\n\r\n", "hello"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"), ("5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"),
        ("5 ; a = \"x;y\"\r\nhello\r\n0\t;\r\n\r\n", "hello"), ("0\r\nX: y\r\nContent-Length: 5\r\n\r\n", ""),
        ("2\r\n\r\n\r\n0\r\nA:\r\nB: \u{E9}\t \r\n\r\n", "\r\n"),
    ])
    func `a body in chunks`(chunks: String, body: String) {
        #expect(parse(chunked(chunks)) == [.request(Seen(.post, "/", body: body))])
        let capital = chunked(chunks).replacing("chunked", with: "Chunked")
        #expect(parse(capital, stride: 50) == [.request(Seen(.post, "/", body: body))])
    }

    @Test(arguments: [
        "G", "GET / HTTP/1.1", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r",
        "\r", get("Content-Length: 5\r\n") + "hell", chunked(""), chunked("5"), chunked("5\r\nhello"),
        chunked("5\r\nhello\r\n0\r\n"), chunked("0\r\n\r"), chunked("0\r\nA: b\r\n"),
    ])
    func `an incomplete request is no event and not idle`(text: String) {
        #expect(parse(text) == [.incomplete])
    }

    @Test func `nothing and an empty line are idle`() {
        #expect(parse("") == [])
        #expect(parse("\r\n") == [])
    }

    @Test func `trailer fields are not header fields`() {
        let text = chunked("0\r\nX: no\r\nConnection: close\r\n\r\n")
        #expect(parse(text) == [.request(Seen(.post, "/"))])
    }

    @Test func `pipelined requests come one by one`() {
        let parts = [
            get("X: 1\r\n"), "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", get("X: 2\r\n"),
            chunked("3\r\nabc\r\n0\r\n\r\n"), chunked("0\r\nA: b\r\n\r\n"), "HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n",
        ]
        let expected: [Outcome] = [
            .request(Seen(.get, "/", x: ["1"])), .request(Seen(.post, "/a", body: "abc")),
            .request(Seen(.get, "/", x: ["2"])), .request(Seen(.post, "/", body: "abc")), .request(Seen(.post, "/")),
            .request(Seen(.head, "/b")),
        ]
        #expect(parse(parts.joined()) == expected)
        #expect(parse((parts + parts).joined()) == expected + expected)
        #expect(parse(parts.joined() + "BAD") == expected + [.incomplete])
        #expect(parse(parts.joined() + "B@D \r\n") == expected + [.violation(.badMethod)])
    }

    /// A front end that reads the other header would see the body end elsewhere.
    ///
    /// Both requests must be refused, and nothing after them may be read.
    @Test(arguments: [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        "Transfer-Encoding : chunked\r\nContent-Length: 6\r\n", "Transfer-Encoding: xchunked\r\nContent-Length: 6\r\n",
        "Transfer-Encoding:\u{B}chunked\r\nContent-Length: 6\r\n", "Content-Length: 6\r\nContent-Length: 0\r\n",
        "Content-Length: 6\r\n Transfer-Encoding: chunked\r\n", "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\rContent-Length: 6\r\n", "Content-Length: 0, 6\r\n", "Content-Length: +6\r\n",
        "Content-Length: 6\u{0}\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "Transfer-Encoding: identity, chunked\r\n",
        "\u{0}Content-Length: 6\r\n", "Transfer-Encoding: chunk\u{17F}ed\r\n",
    ])
    func `smuggling is refused`(lines: String) throws {
        let text = "POST / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n"
        let outcomes = parse(text)
        #expect(outcomes.count == 1)
        guard case .violation = try #require(outcomes.first) else {
            Issue.record("accepted: \(outcomes)")
            return
        }
    }

    @Test func `the offset is after the request`() throws {
        let upgrade = Array(get("Upgrade: websocket\r\nConnection: Upgrade\r\n").utf8)
        let input = upgrade + [0x81, 0x80, 1, 2, 3, 4]
        for cut in 0..<upgrade.count {
            var parser = RequestParser(limits: .init())
            var offset = 0
            let first = Array(input[..<cut])
            if try parser.next(first.rawSpan, from: &offset) != nil { Issue.record("early, cut at \(cut)") }
            #expect(offset == cut)
            offset = 0
            let rest = Array(input[cut...])
            let event = try parser.next(rest.rawSpan, from: &offset)
            guard case .request? = event else {
                Issue.record("no request, cut at \(cut)")
                return
            }
            #expect(offset == upgrade.count - cut)
            let isIdle = parser.isIdle
            #expect(isIdle)
        }
    }

    @Test func `the parser keeps to its budget`() {
        #expect(MemoryLayout<RequestParser>.size <= 160)
        #expect(MemoryLayout<RequestHead>.size <= 48)
        #expect(MemoryLayout<RequestParser.Event?>.size <= 56)
    }
}

/// The head of a request with a body is reported before the body; `Expect: 100-continue` is RFC 9110 10.1.1.
struct HeadEventTests {
    /// The events for these pieces: `H` for a head, `C` for one whose client waits for a 100, `R` for a request.
    private func events(_ pieces: [String]) throws(HTTPViolation) -> String {
        var parser = RequestParser(limits: .init())
        var events = ""
        for piece in pieces.map({ Array($0.utf8) }) {
            var offset = 0
            while let event = try parser.next(piece.rawSpan, from: &offset) {
                switch event {
                case .head(_, let expectsContinue): events += expectsContinue ? "C" : "H"
                case .request: events += "R"
                }
            }
        }
        return events
    }

    private func post(_ lines: String, version: String = "1.1", expect: Bool = true) -> String {
        "POST / HTTP/\(version)\r\nHost: h\r\n\(expect ? "Expect: 100-Continue\r\n" : "")\(lines)\r\n"
    }

    @Test func `a head comes before its body, also when all is in one piece`() throws {
        let length = post("Content-Length: 2\r\n", expect: false)
        #expect(try events([length]) == "H")
        #expect(try events([length + "ab"]) == "HR")
        #expect(try events((length + "ab").map(String.init)) == "HR")
        #expect(try events([chunked("2\r\nab\r\n0\r\n\r\n")]) == "HR")
        #expect(try events([length + "ab" + get() + length + "ab"]) == "HRRHR")
    }

    @Test func `a request without a body has no event of its own for the head`() throws {
        #expect(try events([get(), get("Content-Length: 0\r\n"), post("", expect: false)]) == "RRR")
    }

    @Test func `the head stands at the beginning of the body`() throws {
        let text = post("Content-Length: 2\r\n", expect: false)
        let input = Array((text + "ab").utf8)
        var parser = RequestParser(limits: .init())
        var offset = 0
        guard case .head(let head, _)? = try parser.next(input.rawSpan, from: &offset) else {
            Issue.record("no head")
            return
        }
        #expect(offset == text.utf8.count)
        #expect(head.method == .post)
    }

    @Test func `a body that is too long is refused on the head`() {
        let text = post("Content-Length: 1048577\r\n", expect: false)
        #expect(throws: HTTPViolation.bodyTooLarge) { try events([text]) }
    }

    @Test func `the body is asked for once, while none of it is here`() throws {
        let length = post("Content-Length: 2\r\n")
        #expect(try events([length]) == "C")
        #expect(try events([length, "ab"]) == "CR")
        #expect(try events([length, "a", "", "b"]) == "CR")
        #expect(try events([length + "a", "b"]) == "HR")
        #expect(try events([length + "ab"]) == "HR")
        #expect(try events(length.map(String.init) + ["a", "b"]) == "CR")
        #expect(try events([length, "ab" + length, "ab"]) == "CRCR")
        #expect(try events([post("Transfer-Encoding: chunked\r\n"), "0\r\n\r\n"]) == "CR")
    }

    @Test func `nothing is asked for without a body or by HTTP 1.0`() throws {
        #expect(try events([post("")]) == "R")
        #expect(try events([post("Content-Length: 0\r\n")]) == "R")
        #expect(try events([post("Content-Length: 2\r\n", version: "1.0"), "ab"]) == "HR")
    }

    @Test func `the parser says what it holds`() throws {
        var parser = RequestParser(limits: .init())
        let head = Array(post("Content-Length: 5000\r\n", expect: false).utf8)
        let begin = parser.heldBytes
        #expect(begin == 0)
        func feed(_ input: [UInt8]) throws {
            var offset = 0
            while try parser.next(input.rawSpan, from: &offset) != nil {}
        }
        try feed(head.dropLast())
        let cut = parser.heldBytes
        #expect(cut >= head.count - 1)
        try feed([head[head.count - 1]])
        try feed([UInt8](repeating: 0, count: 4000))
        let body = parser.heldBytes
        #expect(body >= 4000 + head.count)
        try feed([UInt8](repeating: 0, count: 1000))
        let end = parser.heldBytes
        #expect(end == 0)
    }
}
