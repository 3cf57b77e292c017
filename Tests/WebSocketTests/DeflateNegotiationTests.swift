import Bytes
import HTTP
import Testing
import WebSocket

/// The server's answer to an offer: the header's value, or nil.
private func answer(
    _ offers: String..., policy: DeflateAgreement.Policy = .withoutContext
) throws -> String? {
    let fields = offers.map { "Sec-WebSocket-Extensions: \($0)\r\n" }.joined()
    let request = Array(
        ("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(fields)\r\n").utf8)
    var parser = RequestParser()
    var offset = 0
    guard case .request(let parsed) = try parser.next(request.rawSpan, from: &offset) else { return nil }
    let acceptance = try Handshake.accept(parsed.head, deflate: policy)
    var response: [UInt8] = []
    acceptance.encode(into: &response)
    let lines = String(decoding: response, as: UTF8.self).split(separator: "\r\n")
    return lines.first { $0.hasPrefix("Sec-WebSocket-Extensions: ") }.map { String($0.dropFirst(26)) }
}

private let plainAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

@Suite struct DeflateNegotiationTests {
    @Test(
        arguments: [
            "permessage-deflate", "permessage-deflate; client_max_window_bits",
            "permessage-deflate;client_max_window_bits=9",
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            "x-webkit-deflate-frame, permessage-deflate", "permessage-deflate; client_max_window_bits=\"15\"",
        ])
    func anOfferIsAccepted(offer: String) throws {
        #expect(try answer(offer) == plainAnswer)
    }

    @Test(arguments: [(8, 8), (9, 9), (10, 9), (11, 9), (12, 12), (13, 12), (14, 12), (15, 12)])
    func aWindowIsAcceptedOrMadeSmaller(offered: Int, agreed: Int) throws {
        #expect(
            try answer("permessage-deflate; server_max_window_bits=\(offered)")
                == plainAnswer + "; server_max_window_bits=\(agreed)")
    }

    /// RFC 7692 section 7: an offer with an unknown, repeated or malformed parameter is declined.
    @Test(
        arguments: [
            "server_no_context_takeover=1", "client_no_context_takeover=\"1\"", "server_max_window_bits",
            "server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=09",
            "client_max_window_bits=0",
            "client_max_window_bits=a", "client_max_window_bits=+9", "unknown",
            "client_max_window_bits; client_max_window_bits",
            "server_no_context_takeover; server_no_context_takeover",
        ])
    func aWrongParameterDeclinesTheOffer(parameters: String) throws {
        #expect(try answer("permessage-deflate; \(parameters)") == nil)
        #expect(try answer("permessage-deflate; \(parameters), permessage-deflate") == plainAnswer)
    }

    @Test func theFirstOfferThatCompressesIsTaken() throws {
        let small = "permessage-deflate; server_max_window_bits=8"
        let medium = "permessage-deflate; server_max_window_bits=12"
        #expect(try answer("\(medium), permessage-deflate") == plainAnswer + "; server_max_window_bits=12")
        #expect(try answer(small, medium) == plainAnswer + "; server_max_window_bits=12")
        #expect(try answer(small, small) == plainAnswer + "; server_max_window_bits=8")
    }

    @Test(
        arguments: [
            "permessage-deflate;", "permessage-deflate; =1", ";", "a b", "permessage-deflate; a=",
            "permessage-deflate; a=\"b",
            "permessage-deflate; a=\"\"", "permessage-deflate; a=\"b c\"", "permessage-deflate; a=\"b\" c", "é",
            "a; b==c",
            "permessage-deflate; a=\"b\\",
        ])
    func whatFollowsNoGrammarIsRefused(header: String) {
        #expect(throws: HandshakeViolation.badExtensions) { try answer(header) }
        #expect(throws: HandshakeViolation.badExtensions) { try answer(header, policy: .off) }
    }

    @Test func nothingIsGrantedUnasked() throws {
        #expect(try answer() == nil)
        #expect(try answer("permessage-deflate", policy: .off) == nil)
        #expect(try answer("permessage-bzip2; x=1", "") == nil)
    }

    @Test func aContextIsGrantedUnlessTheClientWantsNone() throws {
        #expect(
            try answer("permessage-deflate", policy: .withClientContext)
                == "permessage-deflate; server_no_context_takeover")
        #expect(
            try answer("permessage-deflate; client_no_context_takeover", policy: .withClientContext) == plainAnswer)
    }

    @Test func valuesMayBeQuotedAndEscaped() throws {
        #expect(
            try answer("permessage-deflate; server_max_window_bits=\"1\\2\"")
                == plainAnswer + "; server_max_window_bits=12")
    }
}
