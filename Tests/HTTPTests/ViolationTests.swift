import Bytes
import HTTP
import Testing

/// Every violation, the inputs that must cause it, and the status of the response.
struct ViolationTests {
    static let inputs: [(HTTPViolation, [String])] = [
        (.emptyRequestLine, ["\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\n"]),
        (
            .malformedRequestLine,
            ["GET\r\n", "GET /\r\n", "GET \r\n", "GET / HTTP/1.1 \r\n", "GET HTTP/1.1\r\n", "hello world\r\n"]
        ),
        (.controlInRequestLine, ["\u{16}\u{3}\u{1}", "GET /\u{0}", "GET /\u{7F} HTTP/1.1\r\n", "GE\u{1B}"]),
        (.badMethod, ["G@T / HTTP/1.1\r\n", " GET / HTTP/1.1\r\n", "GET\t/ HTTP/1.1\r\n", "G\u{E9}T / HTTP/1.1\r\n"]),
        (
            .badTarget,
            [
                "GET  / HTTP/1.1\r\n", "GET /a b HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n", "GET / HTTP/1.1 HTTP/1.1\r\n",
                "GET /\ta HTTP/1.1\r\n", "GET /#f HTTP/1.1\r\n", "GET a HTTP/1.1\r\n",
                "GET * HTTP/1.1\r\n", "OPTIONS ** HTTP/1.1\r\n", "CONNECT h:80 HTTP/1.1\r\n",
                "GET http:// HTTP/1.1\r\n", "GET http:///x HTTP/1.1\r\n", "GET http://u@h/ HTTP/1.1\r\n",
                "GET http://h:x/ HTTP/1.1\r\n", "GET ftp://h/ HTTP/1.1\r\n", "GET http:/h HTTP/1.1\r\n",
                "GET https:// HTTP/1.1\r\n", "GET http://?a HTTP/1.1\r\n", "GET ?a HTTP/1.1\r\n",
            ]
        ),
        (.notASCIITarget, ["GET /\u{E9} HTTP/1.1\r\n", "POST /publish?channel=\u{FC} HTTP/1.1\r\n"]),
        (
            .unsupportedVersion,
            [
                "GET / HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.2\r\n", "GET / HTTP/0.9\r\n",
                "GET / http/1.1\r\n", "GET / HTTP/1.10\r\n", "GET / HTTP/1\r\n", "GET / x\r\n", "GET / HTTP/1.1\t\r\n",
            ]
        ),
        (.bareCR, ["\rGET / HTTP/1.1", "GET / HTTP/1.1\rX", "GET / HTTP/1.1\r\r\n", get("X: a\rb\r\n"), get("\rA")]),
        (.bareLF, ["\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: h\n", get("X: a\nY: b\r\n"), get("\n")]),
        (.obsoleteFolding, [get("X: a\r\n b\r\n"), get("X: a\r\n\tb\r\n"), "GET / HTTP/1.1\r\n Host: h\r\n"]),
        (.spaceBeforeColon, [get("X : a\r\n"), get("X\t: a\r\n"), get("Content-Length : 5\r\n"), get("A B: c\r\n")]),
        (
            .badHeaderName,
            [get(": a\r\n"), get("X@: a\r\n"), get("(X): a\r\n"), get("\u{E9}: a\r\n"), get("X[: a\r\n")]
        ),
        (.missingColon, [get("X\r\n"), get("Connection\r\n")]),
        (.controlInHeader, [get("X: a\u{0}b\r\n"), get("X: \u{7F}\r\n"), get("X\u{1}: a\r\n"), get("X: \u{B}\r\n")]),
        (
            .missingHost,
            ["GET / HTTP/1.1\r\n\r\n", "GET http://h/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHosts: h\r\n\r\n"]
        ),
        (.repeatedHost, [get("Host: h\r\n"), get("HOST: other\r\n"), "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"]),
        (.badHost, badHosts.map { "GET / HTTP/1.1\r\nHost: \($0)\r\n\r\n" } + ["GET / HTTP/1.0\r\nHost: /\r\n\r\n"]),
        (
            .repeatedContentLength,
            [get("Content-Length: 1\r\nContent-Length: 2\r\n"), get("Content-Length: 1\r\ncontent-length: 1\r\n")]
        ),
        (.badContentLength, badLengths.map { get("Content-Length: \($0)\r\n") }),
        (
            .contentLengthWithTransferEncoding,
            [
                get("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
                get("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
            ]
        ),
        (.transferEncodingInHTTP10, ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]),
        (
            .unsupportedTransferEncoding,
            ["gzip", "identity", "gzip, chunked", "chunked, chunked", "chunked, gzip", "xchunked", "", "chunked;a=b"]
                .map { get("Transfer-Encoding: \($0)\r\n") }
                + [
                    get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                    get("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
                ]
        ),
        (
            .unsupportedExpectation,
            [get("Expect: 200-ok\r\n"), get("Expect: \r\n"), get("Expect: 100-continue\r\nExpect: more\r\n")]
        ),
        (
            .badChunkSize,
            [
                "\r\n", "g\r\n", "0x5\r\n", "-1\r\n", "+1\r\n", " 5\r\n", ";a\r\n", "5\n", "5,\r\n",
                "00000000000000005\r\n",
            ].map(chunked)
        ),
        (.badChunkExtension, ["5 \r\n", "5\t5\r\n", "5;a\n", "5;\u{0}\r\n", "5 a\r\n", "5;a\u{7F}"].map(chunked)),
        (
            .badChunkTerminator,
            ["5\rhello", "5\r\rhello", "5;a\rb", "5\r\nhellox\r\n", "5\r\nhello\n", "5\r\nhello\rx", "5\r\nhello\r\r"]
                .map(chunked)
        ),
        (
            .badTrailer,
            [
                "0\r\n\n", "0\r\n\rx", "0\r\n a: b\r\n", "0\r\n: b\r\n", "0\r\n:a: b\r\n", "0\r\n::\r\n",
                "0\r\na b\r\n", "0\r\na : b\r\n", "0\r\na\r\n",
                "0\r\na: b\n", "0\r\na: \u{0}\r\n", "0\r\na: b\rc", "0\r\na: b\r\n c\r\n", "0\r\nGET / HTTP/1.1\r\n",
            ].map(chunked)
        ),
        (.bodyTooLarge, [get("Content-Length: 1048577\r\n"), chunked("100001\r\n"), chunked("ffffffffffffffff\r\n")]),
        (.requestLineTooLong, ["GET /" + String(repeating: "a", count: 8192)]),
        (.headTooLarge, [get("X: " + String(repeating: "a", count: 16384))]),
        (.tooManyHeaders, [get(String(repeating: "a:\r\n", count: 100))]),
        (.chunkExtensionsTooLarge, [chunked("1;" + String(repeating: "a", count: 16384))]),
        (.trailersTooLarge, [chunked("0\r\n" + String(repeating: "a", count: 16385))]),
    ]

    static let badHosts = [
        "a b", "a,b", "a, b", "u@h", "h:x", "h:65536", "h:123456", "h:-1", "h:1:2", "/", "h/", "http://h", ":80", "[",
        "[]",
        "[:]", "[::1", "[::1]x", "[::g]", "::1", "h%", "h%4", "h%4g", "h\u{E9}", "\"h\"", "h?", "h#", "h\\",
    ]

    static let badLengths = [
        "", "a", "-1", "+1", "1 1", "1,1", "1, 1", "0x1", "1.0", "1e1", "\"1\"", "1;", "9223372036854775808",
        "18446744073709551617", "99999999999999999999999999999999",
    ]

    @Test func `the table covers every violation`() {
        for violation in HTTPViolation.allCases {
            #expect(Self.inputs.contains { $0.0 == violation && !$0.1.isEmpty }, "\(violation)")
        }
    }

    @Test(arguments: inputs)
    func `is refused, however it is cut`(violation: HTTPViolation, texts: [String]) {
        for text in texts {
            let step = max(1, text.utf8.count / 200)
            #expect(parse(text, stride: step) == [.violation(violation)], "\(text.prefix(100))")
        }
    }

    @Test(arguments: [
        (HTTPViolation.unsupportedVersion, HTTPStatus.versionNotSupported), (.requestLineTooLong, .uriTooLong),
        (.headTooLarge, .headerFieldsTooLarge), (.tooManyHeaders, .headerFieldsTooLarge),
        (.trailersTooLarge, .headerFieldsTooLarge), (.bodyTooLarge, .contentTooLarge),
        (.chunkExtensionsTooLarge, .contentTooLarge), (.unsupportedTransferEncoding, .notImplemented),
        (.unsupportedExpectation, .expectationFailed), (.transferEncodingInHTTP10, .badRequest),
        (.missingHost, .badRequest), (.badTarget, .badRequest), (.bareLF, .badRequest), (.badChunkSize, .badRequest),
    ])
    func `is answered with its status`(violation: HTTPViolation, status: HTTPStatus) {
        #expect(violation.status == status)
    }

    @Test func `messages differ and are one plain line`() {
        let messages = HTTPViolation.allCases.map(\.message)
        #expect(Set(messages).count == messages.count)
        for message in messages {
            #expect(message.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") })
        }
    }

    @Test func `a refused connection stays refused`() {
        let good = Array(get().utf8)
        let bad = Array("GET / HTTP/3.0\r\n".utf8)
        #expect(outcomes([good[...], bad[...]]) == [.request(Seen(.get, "/")), .violation(.unsupportedVersion)])
        var parser = RequestParser(limits: .init())
        var thrown: [HTTPViolation] = []
        for input in [bad, good] {
            var offset = 0
            do throws(HTTPViolation) { _ = try parser.next(input.rawSpan, from: &offset) } catch {
                thrown.append(error)
            }
        }
        #expect(thrown == [.unsupportedVersion, .unsupportedVersion])
    }
}
