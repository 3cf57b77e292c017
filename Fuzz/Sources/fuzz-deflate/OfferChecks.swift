import Bytes
import FuzzSupport
import HTTP

@testable import WebSocket

/// Treats the input as a Sec-WebSocket-Extensions header: it is refused, or the answer grants no more than was offered.
func checkOffer(_ header: [UInt8]) {
    checkElement(String(decoding: header, as: UTF8.self))
    guard let head = upgrade(header) else { return }
    for policy in [DeflateAgreement.Policy.off, .withoutContext, .withClientContext] {
        do throws(HandshakeViolation) {
            let offers = try ExtensionOffer.offers(in: head)
            let agreement = try Handshake.accept(head, deflate: policy).deflate
            guard let agreement else { continue }
            let answer = expectSome(ExtensionOffer(parsing: agreement.headerValue), "an answer that cannot be read")
            expect(offers.contains { isAnswered($0, by: answer) }, "\(answer) to \(offers)")
            expect(policy != .off, "compression though it is off")
            expect(policy == .withClientContext || !agreement.keepsClientContext, "context though it is off")
        } catch {
            expectEqual(error, .badExtensions, "a refused handshake")
        }
    }
}

/// An element that is parsed, written and parsed again stays the same.
private func checkElement(_ text: String) {
    guard let offer = ExtensionOffer(parsing: text) else { return }
    let parameters = offer.parameters.map { "; \($0.name)" + ($0.value.map { "=\"\($0)\"" } ?? "") }
    expectEqual(ExtensionOffer(parsing: offer.name + parameters.joined()), offer, "what was read")
}

/// RFC 7692 section 7.1: the answer's parameters for the client and for the server's window must have been offered.
private func isAnswered(_ offer: ExtensionOffer, by answer: ExtensionOffer) -> Bool {
    guard offer.name == answer.name else { return false }
    return answer.parameters.allSatisfy { parameter in
        guard parameter.name == "server_max_window_bits" else {
            return parameter.name.hasSuffix("_no_context_takeover")
        }
        let offered = offer.parameters.first { $0.name == parameter.name }?.value
        guard let offered, let limit = Int(offered), let bits = parameter.value.flatMap({ Int($0) }) else {
            return false
        }
        return (8...limit).contains(bits)
    }
}

/// A request with the header; nil if the result is not exactly one request.
private func upgrade(_ header: [UInt8]) -> RequestHead? {
    let start = """
        GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: 
        """
    var parser = RequestParser()
    var offset = 0
    guard !header.contains(UInt8(ascii: "\r")) else { return nil }
    let request = Array(start.utf8) + header + Array("\r\n\r\n".utf8)
    guard case .request(let found)? = try? parser.next(request.rawSpan, from: &offset) else { return nil }
    return found.head
}
