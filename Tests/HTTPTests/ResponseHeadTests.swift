import Bytes
import HTTP
import Testing

/// The visible parts of a response head, comparable.
private struct Answer: Equatable {
    var status: Int
    var minorVersion = 1
    var contentEnd = ResponseHead.ContentEnd.close
    var x: [String] = []

    init(_ status: Int, minorVersion: Int = 1, _ contentEnd: ResponseHead.ContentEnd = .close, x: [String] = []) {
        self.status = status
        self.minorVersion = minorVersion
        self.contentEnd = contentEnd
        self.x = x
    }

    init(_ head: ResponseHead) {
        self.init(
            head.status, minorVersion: head.minorVersion, head.contentEnd, x: head.listValues(of: "x"))
    }
}

/// Everything a parser returns for input that consists only of heads.
private struct Reading: Equatable {
    var answers: [Answer] = []
    var violation: ResponseViolation?
}

/// Feeds `input` to `parser` in pieces that end at `cuts`.
private func read(_ input: [UInt8], _ parser: consuming ResponseHeadParser, cuts: [Int] = []) -> Reading {
    var reading = Reading()
    var start = 0
    for end in cuts + [input.count] {
        let piece = input.rawSpan.extracting(start..<end)
        var offset = 0
        do throws(ResponseViolation) {
            while let head = try parser.next(piece, from: &offset) { reading.answers.append(Answer(head)) }
            if offset != end - start { Issue.record("nil with input left") }
        } catch {
            if let violation = reading.violation, violation != error { Issue.record("\(error) after \(violation)") }
            reading.violation = error
        }
        start = end
    }
    return reading
}

/// The result for `text` at once, checked against the results byte by byte and split in two at every place.
private func read(
    _ text: String, limit: Int = 16384, location: SourceLocation = #_sourceLocation
) -> Reading {
    let input = Array(text.utf8)
    func parser() -> ResponseHeadParser { ResponseHeadParser(fieldBytes: limit) }
    let whole = read(input, parser())
    let single = read(input, parser(), cuts: Array(0...input.count))
    if single != whole { Issue.record("byte by byte: \(single), whole: \(whole)", sourceLocation: location) }
    for cut in stride(from: 0, through: input.count, by: 1 + input.count / 200) {
        let halves = read(input, parser(), cuts: [cut])
        if halves != whole { Issue.record("cut at \(cut): \(halves), whole: \(whole)", sourceLocation: location) }
    }
    return whole
}

private func ok(_ fields: String = "") -> String { "HTTP/1.1 200 OK\r\n\(fields)\r\n" }

struct ResponseHeadTests {
    @Test(arguments: [
        ("HTTP/1.1 101 Switching Protocols", Answer(101, .length(0))), ("HTTP/1.1 200 OK", Answer(200)),
        ("HTTP/1.0 503 Service Unavailable", Answer(503, minorVersion: 0)), ("HTTP/1.1 404 ", Answer(404)),
        ("HTTP/1.1 599 a\tb \u{E9}", Answer(599)), ("HTTP/1.1 100 Continue", Answer(100, .length(0))),
    ])
    private func `status lines`(line: String, answer: Answer) {
        #expect(read("\(line)\r\n\r\n") == Reading(answers: [answer]))
    }

    @Test func `fields by name`() throws {
        let text = ok("Upgrade: WebSocket\r\nCONNECTION:keep-alive, Upgrade\r\nX: a \r\nx:\tb, c\r\nEmpty:\r\n")
        #expect(read(text) == Reading(answers: [Answer(200, x: ["a", "b", "c"])]))
        var parser = ResponseHeadParser()
        var offset = 0
        let head = try #require(try parser.next(Array(text.utf8).rawSpan, from: &offset))
        #expect(head.value(of: "upgrade") == "WebSocket")
        #expect(head.value(of: "empty") == "")
        #expect(head.value(of: "host") == nil)
        #expect(head.count(of: "x") == 2)
        #expect(head.hasToken("upgrade", in: "connection"))
        #expect(!head.hasToken("close", in: "connection"))
    }

    @Test func `several heads, and which of them is the answer`() throws {
        let text = "HTTP/1.1 103 Early Hints\r\nX: a\r\n\r\nHTTP/1.1 101 \r\nX: b\r\n\r\n"
        #expect(read(text) == Reading(answers: [Answer(103, .length(0), x: ["a"]), Answer(101, .length(0), x: ["b"])]))
        var parser = ResponseHeadParser()
        var offset = 0
        let bytes = Array(text.utf8)
        let interim = try #require(try parser.next(bytes.rawSpan, from: &offset))
        let final = try #require(try parser.next(bytes.rawSpan, from: &offset))
        #expect(interim.isInterim)
        #expect(!final.isInterim)
    }

    @Test func `what follows the head is left alone`() throws {
        let head = Array("HTTP/1.1 101 \r\nX: a\r\n\r\n".utf8)
        let frames: [UInt8] = [0x81, 0x02, 0x68, 0x69, 0x0D, 0x0A]
        for cut in 0...head.count {
            var parser = ResponseHeadParser()
            var offset = 0
            let beginning = try parser.next(head.rawSpan.extracting(..<cut), from: &offset)
            #expect((beginning == nil) == (cut < head.count))
            guard beginning == nil else { continue }
            offset = 0
            let rest = head[cut...] + frames
            #expect(try parser.next(Array(rest).rawSpan, from: &offset)?.status == 101)
            #expect(rest.count - offset == frames.count)
        }
    }

    @Test(arguments: [
        ("Content-Length: 0\r\n", ResponseHead.ContentEnd.length(0)), ("content-length: 0012\r\n", .length(12)),
        ("Content-Length: 9223372036854775807\r\n", .length(Int.max)), ("", .close),
        ("Transfer-Encoding: chunked\r\n", .chunks), ("Transfer-Encoding: Chunked\r\n", .chunks),
    ])
    func `where the content ends`(fields: String, end: ResponseHead.ContentEnd) {
        #expect(read(ok(fields)) == Reading(answers: [Answer(200, end)]))
        // RFC 9112 6.3: these have no content; their fields may describe the response to another method.
        for status in [101, 204, 304] {
            #expect(read("HTTP/1.1 \(status) \r\n\(fields)\r\n") == Reading(answers: [Answer(status, .length(0))]))
        }
    }
}

/// Every violation with the inputs that must cause it.
struct ResponseViolationTests {
    private static let inputs: [(ResponseViolation, [String])] = [
        (
            .malformedStatusLine,
            [
                "\r\n", "HTTP/1.1\r\n", "HTTP/1.1 200\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1 20 OK\r\n",
                "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 -20 OK\r\n", "http/1.1 200 OK\r\n",
                " HTTP/1.1 200 OK\r\n", "HTTP/1.10 200 OK\r\n", "HTTP/1.1\t200 OK\r\n", "HTTP/1.1 200\tOK\r\n",
                "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "GET / HTTP/1.1\r\n", "HTTP/1.1 200-OK\r\n",
            ]
        ),
        (
            .statusLineTooLong,
            ["HTTP/1.1 200 " + String(repeating: "a", count: 1012), String(repeating: "a", count: 1025)]
        ),
        (.controlInStatusLine, ["\u{16}\u{3}\u{1}", "HTTP/1.1 200 \u{0}", "HTTP/1.1 200 O\u{7F}K\r\n"]),
        (.badStatus, ["HTTP/1.1 000 \r\n", "HTTP/1.1 099 \r\n", "HTTP/1.1 600 \r\n", "HTTP/1.1 999 x\r\n"]),
        (.head(.unsupportedVersion), ["HTTP/2.0 200 OK\r\n", "HTTP/1.2 200 OK\r\n", "HTTP/0.9 200 OK\r\n"]),
        (.head(.bareCR), ["HTTP/1.1 200 OK\rX", "\rH", "HTTP/1.1 200 OK\r\r\n", ok("X: a\rb\r\n"), ok("\rA")]),
        (.head(.bareLF), ["\n", "HTTP/1.1 200 OK\n", ok("X: a\nY: b\r\n"), ok("\n")]),
        (.head(.obsoleteFolding), [ok("X: a\r\n b\r\n"), ok(" X: a\r\n"), ok("\tX: a\r\n")]),
        (.head(.spaceBeforeColon), [ok("X : a\r\n"), ok("Content-Length : 5\r\n")]),
        (.head(.badHeaderName), [ok(": a\r\n"), ok("X@: a\r\n"), ok("\u{E9}: a\r\n")]),
        (.head(.missingColon), [ok("X\r\n"), ok("HTTP\r\n")]),
        (.head(.controlInHeader), [ok("X: a\u{0}b\r\n"), ok("X: \u{7F}\r\n"), ok("X\u{1}: a\r\n")]),
        (.head(.headTooLarge), [ok("X: " + String(repeating: "a", count: 16384))]),
        (.head(.tooManyHeaders), [ok(String(repeating: "a:\r\n", count: 101))]),
        (
            .head(.repeatedContentLength),
            [ok("Content-Length: 1\r\nContent-Length: 1\r\n"), ok("Content-Length: 1\r\ncontent-length: 2\r\n")]
        ),
        (
            .head(.badContentLength),
            ["", "a", "-1", "+1", "1 1", "1,1", "0x1", "1.0", "9223372036854775808", "\u{661}"].map {
                ok("Content-Length: \($0)\r\n")
            }
        ),
        (
            .head(.contentLengthWithTransferEncoding),
            [
                ok("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
                ok("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
            ]
        ),
        (.head(.transferEncodingInHTTP10), ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]),
        (
            .head(.unsupportedTransferEncoding),
            ["gzip", "identity", "gzip, chunked", "chunked, chunked", "", "chunked;a=b"].map {
                ok("Transfer-Encoding: \($0)\r\n")
            }
        ),
    ]

    @Test(arguments: inputs)
    func `is refused, however it is cut`(violation: ResponseViolation, texts: [String]) {
        for text in texts {
            #expect(read(text) == Reading(violation: violation), "\(text.prefix(100))")
        }
    }

    @Test func `messages differ and speak of a response`() {
        let messages = Self.inputs.map(\.0.message)
        #expect(Set(messages).count == messages.count)
        for message in messages { #expect(!message.contains("request"), "\(message)") }
    }

    @Test func `limits are inclusive`() {
        let reason = String(repeating: "a", count: 1024 - 13)
        #expect(read("HTTP/1.1 200 \(reason)\r\n\r\n") == Reading(answers: [Answer(200)]))
        #expect(read(ok(String(repeating: "a:\r\n", count: 100))) == Reading(answers: [Answer(200)]))
        // "X: " and the two line ends take 7 bytes.
        let head = { (count: Int) in ok("X: \(String(repeating: "a", count: count - 7))\r\n") }
        #expect(read(head(60), limit: 60) == Reading(answers: [Answer(200, x: [String(repeating: "a", count: 53)])]))
        #expect(read(head(61), limit: 60) == Reading(violation: .head(.headTooLarge)))
    }

    @Test func `the limit holds while the head is incomplete`() {
        for (beginning, violation) in [
            ("", ResponseViolation.statusLineTooLong), ("HTTP/1.1 200 OK\r\nX: ", .head(.headTooLarge)),
        ] {
            var parser = ResponseHeadParser()
            var bytes = Array(beginning.utf8)
            var found: ResponseViolation?
            for _ in 0..<200 where found == nil {
                bytes += [UInt8](repeating: UInt8(ascii: "a"), count: 100)
                var offset = 0
                do throws(ResponseViolation) { _ = try parser.next(bytes.rawSpan, from: &offset) } catch {
                    found = error
                }
                bytes = []
            }
            #expect(found == violation)
        }
    }
}
