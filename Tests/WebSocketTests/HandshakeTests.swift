import Bytes
import HTTP
import Testing
import WebSocket

private let sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

/// The header lines of RFC 6455 section 1.2; nil for a name leaves its line out.
private func request(
    _ line: String = "GET /ws HTTP/1.1", upgrade: String? = "websocket", connection: String? = "Upgrade",
    key: String? = sampleKey, version: String? = "13", extra: [String] = []
) -> String {
    var lines = [line, "Host: server.example.com"]
    let fields = [
        ("Upgrade", upgrade), ("Connection", connection),
        ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", version),
    ]
    for (name, value) in fields {
        if let value { lines.append("\(name): \(value)") }
    }
    return (lines + extra).joined(separator: "\r\n") + "\r\n\r\n"
}

private struct NoRequest: Error {}

private func head(_ text: String) throws -> RequestHead {
    var parser = RequestParser()
    var offset = 0
    let bytes = Array(text.utf8)
    switch try parser.next(bytes.rawSpan, from: &offset) {
    case .head(let head, _): return head
    case .request(let request): return request.head
    case nil: throw NoRequest()
    }
}

private func violation(_ text: String) throws -> HandshakeViolation? {
    let head = try head(text)
    do throws(HandshakeViolation) {
        _ = try Handshake.accept(head)
        return nil
    } catch {
        return error
    }
}

private func subprotocol(_ offers: [String], _ supported: [String]) throws -> String? {
    let extra = offers.map { "Sec-WebSocket-Protocol: \($0)" }
    return try Handshake.accept(head(request(extra: extra)), subprotocols: supported).subprotocol
}

@Suite struct HandshakeTests {
    @Test func acceptKeyOfTheRFC() {
        #expect(AcceptKey(for: Array(sampleKey.utf8).rawSpan).text == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let another = Array("x3JJHMbDL1EzLkh9GBhXDw==".utf8)
        #expect(AcceptKey(for: another.rawSpan).text == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=")
    }

    @Test func theExampleOfTheRFC() throws {
        let extra = ["Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat"]
        let acceptance = try Handshake.accept(head(request(extra: extra)), subprotocols: ["chat"])
        var bytes = Array("behind this: ".utf8)
        acceptance.encode(into: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self) == """
                behind this: HTTP/1.1 101 Switching Protocols\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
                Sec-WebSocket-Protocol: chat\r
                \r

                """)
    }

    @Test func withoutASubprotocolThereIsNoHeaderForIt() throws {
        var bytes: [UInt8] = []
        try Handshake.accept(head(request()), subprotocols: ["chat"]).encode(into: &bytes)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("Protocol:"))
    }

    @Test func tokensInListsAndAnyCase() throws {
        #expect(try violation(request(upgrade: "WebSocket")) == nil)
        #expect(try violation(request(upgrade: "h2c, websocket")) == nil)
        #expect(try violation(request(connection: "keep-alive, upgrade")) == nil)
        #expect(try violation(request(connection: "keep-alive", extra: ["connection: UPGRADE"])) == nil)
        #expect(try violation(request(extra: ["Content-Length: 0"])) == nil)
    }

    @Test func methodAndVersionOfHTTP() throws {
        #expect(try violation(request("POST /ws HTTP/1.1")) == .badMethod)
        #expect(try violation(request("HEAD /ws HTTP/1.1")) == .badMethod)
        #expect(try violation(request("GET /ws HTTP/1.0")) == .oldHTTPVersion)
    }

    @Test func upgradeAndConnection() throws {
        #expect(try violation("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n") == .missingUpgrade)
        #expect(try violation("GET /ws HTTP/1.0\r\n\r\n") == .missingUpgrade)
        #expect(try violation(request(upgrade: "h2c")) == .unsupportedUpgrade)
        #expect(try violation(request(upgrade: "websockets")) == .unsupportedUpgrade)
        #expect(try violation(request(upgrade: "")) == .unsupportedUpgrade)
        #expect(try violation(request(connection: nil)) == .missingConnectionUpgrade)
        #expect(try violation(request(connection: "keep-alive")) == .missingConnectionUpgrade)
    }

    @Test func versionOfTheProtocol() throws {
        for version in [nil, "", "8", "12", "14", "013", "13, 8", "x"] {
            #expect(try violation(request(version: version)) == .unsupportedVersion, "\(version ?? "none")")
        }
        #expect(try violation(request(extra: ["Sec-WebSocket-Version: 13"])) == .unsupportedVersion)
    }

    @Test func keys() throws {
        #expect(try violation(request(key: nil)) == .missingKey)
        #expect(try violation(request(extra: ["Sec-WebSocket-Key: \(sampleKey)"])) == .repeatedKey)
        let bad = [
            "", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZWQ=", "c2hvcnQ=",
            "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZQ==, x",
        ]
        for key in bad {
            #expect(try violation(request(key: key)) == .badKey, "\(key)")
        }
        // Four unused bits that are not zero: a key may be 22 random digits.
        #expect(try violation(request(key: "dGhlIHNhbXBsZSBub25jZR==")) == nil)
    }

    @Test func theFirstOfTheClientsSubprotocolsIsChosen() throws {
        #expect(try subprotocol([], ["a"]) == nil)
        #expect(try subprotocol(["a, b"], []) == nil)
        #expect(try subprotocol(["x, y"], ["a", "b"]) == nil)
        #expect(try subprotocol(["x, b, a"], ["a", "b"]) == "b")
        #expect(try subprotocol(["x", "pushd.v1 ,a"], ["a", "pushd.v1"]) == "pushd.v1")
        // Names are compared exactly.
        #expect(try subprotocol(["Chat"], ["chat"]) == nil)
    }

    @Test func subprotocolsThatAreNoTokens() throws {
        for offer in ["a b", "a/b", "\"chat\"", "a, é", "a;q=1", "chat, {}"] {
            #expect(try violation(request(extra: ["Sec-WebSocket-Protocol: \(offer)"])) == .badSubprotocol, "\(offer)")
        }
        #expect(try violation(request(extra: ["Sec-WebSocket-Protocol: a, b, a"])) == .repeatedSubprotocol)
        let twice = ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"]
        #expect(try violation(request(extra: twice)) == .repeatedSubprotocol)
    }

    @Test func bodies() throws {
        #expect(try violation(request(extra: ["Content-Length: 3"]) + "abc") == .unexpectedBody)
        #expect(try violation(request(extra: ["Transfer-Encoding: chunked"]) + "0\r\n\r\n") == .unexpectedBody)
    }

    @Test(arguments: HandshakeViolation.allCases)
    func everyViolationHasAnAnswer(violation: HandshakeViolation) {
        var response = Response(violation.status)
        violation.addHeaders(to: &response)
        var bytes: [UInt8] = []
        response.encode(into: &bytes, closing: true)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!violation.message.isEmpty)
        let isUpgradeRequired = [.missingUpgrade, .unsupportedUpgrade, .unsupportedVersion].contains(violation)
        #expect(text.hasPrefix("HTTP/1.1 426 ") == isUpgradeRequired)
        #expect(text.contains("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n") == isUpgradeRequired)
        #expect(text.contains("\r\nSec-WebSocket-Version: 13\r\n") == (violation == .unsupportedVersion))
        #expect(text.hasPrefix("HTTP/1.1 405 ") == (violation == .badMethod))
        #expect(text.contains("\r\nAllow: GET\r\n") == (violation == .badMethod))
        #expect(text.hasPrefix("HTTP/1.1 400 ") == (!isUpgradeRequired && violation != .badMethod))
    }
}
