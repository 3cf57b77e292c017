import Bytes
import HTTP
import Testing
import WebSocket

/// Makes the key of RFC 6455 section 1.3.
private let sampleNonce = "the sample nonce".utf8.reduce(0 as UInt128) { $0 << 8 | UInt128($1) }

private func handshake(
    _ host: String = "h", _ target: String = "/", subprotocols: [String] = [], offersDeflate: Bool = false,
    origin: String? = nil, fields: [(name: String, value: String)] = []
) throws(ClientHandshake.InvalidRequest) -> ClientHandshake {
    try ClientHandshake(
        host: host, target: target, subprotocols: subprotocols, offersDeflate: offersDeflate, origin: origin,
        fields: fields, nonce: sampleNonce)
}

/// Why no request can be made from these values.
private func problem(
    _ host: String = "h", _ target: String = "/", subprotocols: [String] = [], origin: String? = nil,
    fields: [(name: String, value: String)] = []
) -> ClientHandshake.InvalidRequest? {
    do throws(ClientHandshake.InvalidRequest) {
        _ = try handshake(host, target, subprotocols: subprotocols, origin: origin, fields: fields)
        return nil
    } catch {
        return error
    }
}

private struct NoHead: Error {}

private func responseHead(_ bytes: [UInt8]) throws -> ResponseHead {
    var parser = ResponseHeadParser()
    var offset = 0
    guard let head = try parser.next(bytes.rawSpan, from: &offset), offset == bytes.count else { throw NoHead() }
    return head
}

/// The response to the sample key; nil for a field leaves its line out.
private func answer(
    _ line: String = "HTTP/1.1 101 Switching Protocols", upgrade: String? = "websocket",
    connection: String? = "Upgrade", accept: String? = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", extra: [String] = []
) throws -> ResponseHead {
    let fields = [("Upgrade", upgrade), ("Connection", connection), ("Sec-WebSocket-Accept", accept)]
    let lines = [line] + fields.compactMap { name, value in value.map { "\(name): \($0)" } } + extra
    return try responseHead(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
}

private func failure(
    _ response: ResponseHead, to handshake: ClientHandshake
) -> ClientHandshake.Failure? {
    do throws(ClientHandshake.Failure) {
        _ = try handshake.check(response)
        return nil
    } catch {
        return error
    }
}

private func failure(_ response: ResponseHead) throws -> ClientHandshake.Failure? {
    failure(response, to: try handshake())
}

@Suite struct ClientHandshakeTests {
    @Test func theSmallestRequest() throws {
        #expect(
            String(decoding: try handshake("server.example.com", "/chat?a=b").request, as: UTF8.self) == """
                GET /chat?a=b HTTP/1.1\r
                Host: server.example.com\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                \r

                """)
    }

    @Test func aRequestWithEverything() throws {
        let request = try handshake(
            "[::1]:8081", "/", subprotocols: ["a", "b"], offersDeflate: true, origin: "http://example.com",
            fields: [("Authorization", "Bearer x"), ("X-Empty", "")]
        ).request
        #expect(
            String(decoding: request, as: UTF8.self).hasSuffix(
                """
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                Sec-WebSocket-Protocol: a, b\r
                Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r
                Origin: http://example.com\r
                Authorization: Bearer x\r
                X-Empty: \r
                \r

                """))
    }

    @Test func everyRequestHasAKeyOfItsOwn() throws {
        let requests = try (0..<100).map { _ in try ClientHandshake(host: "h", target: "/").request }
        #expect(Set(requests).count == 100)
    }

    @Test func inputThatMakesNoRequest() {
        #expect(problem("h\r\nX: y") == .lineBreak)
        #expect(problem("h", "/\n") == .lineBreak)
        #expect(problem(origin: "o\r\n\r\nGET /") == .lineBreak)
        #expect(problem(fields: [("X\r\nY", "z")]) == .lineBreak)
        let wrong: [(HTTPViolation, String, String)] = [
            (.missingHost, "", "/"), (.badHost, "a b", "/"), (.badHost, "u@h", "/"), (.badHost, "h:+1", "/"),
            (.badTarget, "h", "/a b"),
            (.badTarget, "h", "/#f"), (.badTarget, "h", "x"), (.badTarget, "h", ""), (.bareCR, "h\r", "/"),
            (.controlInHeader, "h\u{0}", "/"), (.requestLineTooLong, "h", "/" + String(repeating: "a", count: 8192)),
        ]
        for (violation, host, target) in wrong {
            let found = problem(host, target)
            #expect(found == .request(violation), "\(host) \(target)")
        }
    }

    @Test func fieldsThatMakeItAnotherRequest() {
        let wrong: [(ClientHandshake.InvalidRequest, String, String)] = [
            (.request(.badHeaderName), "", "x"), (.request(.spaceBeforeColon), "a b", "x"),
            (.request(.repeatedHost), "Host", "other"), (.handshake(.repeatedKey), "Sec-WebSocket-Key", "x"),
            (.handshake(.unsupportedVersion), "Sec-WebSocket-Version", "8"),
            (.handshake(.unexpectedBody), "Content-Length", "5"),
            (.handshake(.unexpectedBody), "Transfer-Encoding", "chunked"),
            (.request(.unsupportedExpectation), "Expect", "x"),
        ]
        for (violation, name, value) in wrong {
            let found = problem(fields: [(name, value)])
            #expect(found == violation, "\(name): \(value)")
            #expect(found?.message.isEmpty == false)
        }
    }

    @Test func subprotocolsThatAreNoTokens() {
        for names in [["a b"], ["a, b"], ["a", ""], ["é"]] {
            let found = problem(subprotocols: names)
            #expect(found == .handshake(.badSubprotocol), "\(names)")
        }
        let found = problem(subprotocols: ["a", "a"])
        #expect(found == .handshake(.repeatedSubprotocol))
    }

    @Test func theAnswerOfTheRFC() throws {
        let agreement = try handshake(subprotocols: ["chat", "superchat"]).check(
            answer(extra: ["Sec-WebSocket-Protocol: chat", "Server: x"]))
        #expect(agreement.subprotocol == "chat")
        #expect(!agreement.deflates)
        let plain = try handshake(subprotocols: ["chat"], offersDeflate: true).check(
            answer(upgrade: "WebSocket", connection: "keep-alive, UPGRADE"))
        #expect(plain.subprotocol == nil)
        #expect(!plain.deflates)
    }

    @Test(arguments: [200, 301, 400, 401, 403, 404, 426, 500, 503])
    func anotherStatus(status: Int) throws {
        #expect(try failure(answer("HTTP/1.1 \(status) x")) == .refused(status: status))
    }

    @Test func answersThatOpenNothing() throws {
        #expect(try failure(answer("HTTP/1.0 101 x")) == .oldHTTPVersion)
        #expect(try failure(answer(upgrade: nil)) == .missingUpgrade)
        for upgrade in ["", "h2c", "websocket, h2c", "websocket, websocket", "web\u{17F}ocket", "websoc\u{212A}et"] {
            #expect(try failure(answer(upgrade: upgrade)) == .unsupportedUpgrade, "\(upgrade)")
        }
        #expect(try failure(answer(extra: ["Upgrade: websocket"])) == .unsupportedUpgrade)
        for connection in [nil, "", "close", "Upgraded"] {
            #expect(try failure(answer(connection: connection)) == .missingConnectionUpgrade)
        }
    }

    @Test func acceptKeys() throws {
        #expect(try failure(answer(accept: nil)) == .missingAcceptKey)
        let again = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        #expect(try failure(answer(extra: [again])) == .repeatedAcceptKey)
        // The last one has a Kelvin sign instead of the K, which Swift's strings treat as equal.
        for accept in [
            "", "dGhlIHNhbXBsZSBub25jZQ==", "S3PPLMBITXAQ9KYGZZHZRBK+XOO=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
            "\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"", "s3pPLMBiTxaQ9kYGzzhZRb\u{212A}+xOo=",
        ] {
            #expect(try failure(answer(accept: accept)) == .wrongAcceptKey, "\(accept)")
        }
    }

    @Test func subprotocolsOfTheAnswer() throws {
        let handshake = try handshake(subprotocols: ["K", "b"])
        for chosen in ["c", "B", "", "b, b", "K, b", "\u{212A}"] {
            let response = try answer(extra: ["Sec-WebSocket-Protocol: \(chosen)"])
            #expect(failure(response, to: handshake) == .unofferedSubprotocol, "\(chosen)")
        }
        let line = "Sec-WebSocket-Protocol: b"
        #expect(failure(try answer(extra: [line, line]), to: handshake) == .repeatedSubprotocol)
        #expect(try failure(answer(extra: [line])) == .unofferedSubprotocol)
    }

    @Test(
        arguments: [
            ("permessage-deflate; server_no_context_takeover", nil),
            ("permessage-deflate;client_no_context_takeover;server_no_context_takeover", nil),
            ("permessage-deflate; server_no_context_takeover; server_max_window_bits=8", nil),
            ("permessage-deflate; server_max_window_bits=\"15\"; server_no_context_takeover", nil),
            ("permessage-deflate", .badDeflateParameters),
            ("permessage-deflate; client_no_context_takeover", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover=1", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover; server_max_window_bits", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover; server_max_window_bits=7", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover; server_max_window_bits=16", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover; server_max_window_bits=08", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover; client_max_window_bits=10", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover; more", .badDeflateParameters),
            ("permessage-deflate; server_no_context_takeover;", .badExtensions),
            ("permessage-deflate; =", .badExtensions), ("a b", .badExtensions), (";", .badExtensions),
            ("x-webkit-deflate-frame", .unofferedExtension),
            ("permessage-deflate; server_no_context_takeover, x", .unofferedExtension),
            (
                "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
                .repeatedExtension
            ),
        ] as [(String, ClientHandshake.Failure?)])
    func extensionsOfTheAnswer(value: String, expected: ClientHandshake.Failure?) throws {
        let response = try answer(extra: ["Sec-WebSocket-Extensions: \(value)"])
        let offering = try handshake(offersDeflate: true)
        #expect(failure(response, to: offering) == expected)
        if expected == nil { #expect(try offering.check(response).deflates) }
        let isMalformed = expected == .badExtensions
        #expect(try failure(response) == (isMalformed ? .badExtensions : .unofferedExtension))
    }

    @Test func theServersOwnAnswer() throws {
        for offers in [[], ["x", "pushd.v1"], ["x"]] {
            for offersDeflate in [false, true] {
                let client = try ClientHandshake(
                    host: "h:1", target: "/ws?a=b", subprotocols: offers, offersDeflate: offersDeflate)
                var parser = RequestParser()
                var offset = 0
                guard case .request(let request) = try parser.next(client.request.rawSpan, from: &offset) else {
                    throw NoHead()
                }
                var bytes: [UInt8] = []
                let acceptance = try Handshake.accept(
                    request.head, subprotocols: ["pushd.v1"], deflate: .withoutContext)
                acceptance.encode(into: &bytes)
                let agreement = try client.check(responseHead(bytes))
                #expect(agreement.subprotocol == (offers.contains("pushd.v1") ? "pushd.v1" : nil))
                #expect(agreement.deflates == offersDeflate)
            }
        }
    }
}
