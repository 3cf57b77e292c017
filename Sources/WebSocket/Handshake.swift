// The opening handshake on the server side (RFC 6455 section 4.2). The HTTP parser has already checked that the request
// is well-formed and has a Host. Which origins, users and channels are allowed is the caller's decision.

internal import Bytes
public import HTTP

/// Checks a request for a WebSocket and makes the response.
public enum Handshake {
    /// The result of a handshake.
    public struct Acceptance: Sendable {
        /// The chosen subprotocol, if the client offered one that the server supports.
        public let subprotocol: String?
        /// Compression, if the client offered it and the server grants it; may be removed before the response is
        /// encoded.
        public var deflate: DeflateAgreement?
        let acceptKey: AcceptKey

        /// Appends the 101 response, after which the connection carries frames.
        public func encode(into output: inout [UInt8]) {
            output.append(contentsOf: Acceptance.head)
            acceptKey.encode(into: &output)
            // Both texts come from this server; nothing of the request is echoed.
            if let subprotocol { output.append(contentsOf: "\r\nSec-WebSocket-Protocol: \(subprotocol)".utf8) }
            if let deflate { output.append(contentsOf: "\r\nSec-WebSocket-Extensions: \(deflate.headerValue)".utf8) }
            output.append(contentsOf: "\r\n\r\n".utf8)
        }

        private static let head = Array(
            """
            HTTP/1.1 101 Switching Protocols\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Accept:\u{20}
            """.utf8)
    }

    /// Accepts a request that meets every requirement of RFC 6455 section 4.2.1.
    ///
    /// `subprotocols` are the ones that the server supports; the first of the client's that is among them is chosen, or
    /// else `fallback` if the client offers it, or else none. `deflate` is what the server grants of
    /// permessage-deflate.
    public static func accept(
        _ head: RequestHead, subprotocols: [String] = [], fallback: String? = nil,
        deflate: DeflateAgreement.Policy = .off
    ) throws(HandshakeViolation) -> Acceptance {
        try checkUpgrade(head)
        let key = try acceptKey(for: head)
        let offered = try offeredSubprotocols(of: head)
        let extensions = try ExtensionOffer.offers(in: head)
        return Acceptance(
            subprotocol: offered.first { subprotocols.contains($0) } ?? offered.first { $0 == fallback },
            deflate: DeflateAgreement.best(of: extensions, deflate), acceptKey: key)
    }

    private static func checkUpgrade(_ head: RequestHead) throws(HandshakeViolation) {
        guard head.method == .get else { throw .badMethod }
        guard head.count(of: "upgrade") > 0 else { throw .missingUpgrade }
        guard head.hasToken("websocket", in: "upgrade") else { throw .unsupportedUpgrade }
        guard head.minorVersion >= 1 else { throw .oldHTTPVersion }
        guard head.hasToken("upgrade", in: "connection") else { throw .missingConnectionUpgrade }
        guard head.hasOnly("13", in: "sec-websocket-version") else { throw .unsupportedVersion }
        guard head.count(of: "transfer-encoding") == 0, Int(head.value(of: "content-length") ?? "0") == 0 else {
            throw .unexpectedBody
        }
    }

    private static func acceptKey(for head: RequestHead) throws(HandshakeViolation) -> AcceptKey {
        switch head.count(of: "sec-websocket-key") {
        case 0: throw .missingKey
        case 1: break
        default: throw .repeatedKey
        }
        let key = head.withValue(of: "sec-websocket-key") { key in
            Base64.decodedByteCount(key) == 16 ? AcceptKey(for: key) : nil
        }
        guard case .some(.some(let key)) = key else { throw .badKey }
        return key
    }

    /// The client's subprotocols in order of preference: tokens without duplicates (section 4.1, item 10).
    private static func offeredSubprotocols(of head: RequestHead) throws(HandshakeViolation) -> [String] {
        let offered = head.listValues(of: "sec-websocket-protocol")
        for name in offered where !name.utf8.allSatisfy(isTokenCharacter) { throw .badSubprotocol }
        guard Set(offered).count == offered.count else { throw .repeatedSubprotocol }
        return offered
    }

    /// RFC 9110 section 5.6.2: visible ASCII without separators.
    static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
