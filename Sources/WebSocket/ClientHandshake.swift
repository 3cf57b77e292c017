// The opening handshake on the client side (RFC 6455 section 4.1).

internal import Bytes
public import HTTP

/// Makes a request for a WebSocket and checks the response to it.
public struct ClientHandshake: Sendable {
    /// The result of a handshake.
    public struct Agreement: Equatable, Sendable {
        /// The subprotocol that the server chose, if it chose one.
        public let subprotocol: String?
        /// Whether messages may be compressed in both directions, each without context (RFC 7692).
        public let deflates: Bool
    }

    /// The request, ready to be sent.
    public let request: [UInt8]
    private let acceptKey: String
    /// The offered subprotocols, in order of preference.
    public let subprotocols: [String]
    private let offersDeflate: Bool

    /// Makes a request, unless this project's own server would refuse its form.
    ///
    /// - Parameters:
    /// - host: the server's name or address, with the port unless it is the scheme's default: `[::1]:8081`.
    /// - target: path and query, as they are sent.
    /// - subprotocols: in order of preference.
    /// - offersDeflate: whether to offer permessage-deflate without context in either direction.
    /// - origin: the Origin header; browsers send one, other clients need none.
    /// - fields: further header fields, for example for authorisation.
    /// - nonce: makes the key. It must be new for each connection, but need not be secret (section 10.3 is about
    ///   masks).
    public init(
        host: String, target: String, subprotocols: [String] = [], offersDeflate: Bool = false, origin: String? = nil,
        fields: [(name: String, value: String)] = [], nonce: UInt128 = .random(in: .min ... .max)
    ) throws(InvalidRequest) {
        // A request may have an empty Host, but not if its target has a server (RFC 9110 section 7.2).
        guard !host.isEmpty else { throw .request(.missingHost) }
        for name in subprotocols where name.isEmpty || !name.utf8.allSatisfy(Handshake.isTokenCharacter) {
            throw .handshake(.badSubprotocol)
        }
        var lines = [
            ("Host", host), ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", ClientHandshake.key(nonce)),
        ]
        if !subprotocols.isEmpty { lines.append(("Sec-WebSocket-Protocol", subprotocols.joined(separator: ", "))) }
        if offersDeflate { lines.append(("Sec-WebSocket-Extensions", ClientHandshake.deflateOffer)) }
        if let origin { lines.append(("Origin", origin)) }
        request = try ClientHandshake.encode(target, lines + fields)
        acceptKey = try ClientHandshake.acceptKey(byTrying: request)
        self.subprotocols = subprotocols
        self.offersDeflate = offersDeflate
    }

    private static let deflateOffer = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"

    /// Section 4.1, item 7: 16 random bytes in Base64.
    private static func key(_ nonce: UInt128) -> String {
        let bytes = (0..<16).map { UInt8(truncatingIfNeeded: nonce >> UInt128(8 * (15 - $0))) }
        var text: [UInt8] = []
        Base64.encode(bytes.rawSpan, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    private static func encode(
        _ target: String, _ lines: [(name: String, value: String)]
    ) throws(InvalidRequest) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        for part in ["GET ", target, " HTTP/1.1\r\n"] { bytes.append(contentsOf: part.utf8) }
        for line in lines {
            for part in [line.name, ": ", line.value, "\r\n"] { bytes.append(contentsOf: part.utf8) }
        }
        // A line break in a name or value could add a field or end the head.
        guard bytes.count(where: { $0 == 0x0A }) == 1 + lines.count else { throw .lineBreak }
        bytes.append(contentsOf: [0x0D, 0x0A])
        return bytes
    }

    /// The accept key the server must send, found by parsing the request as a server does.
    private static func acceptKey(byTrying request: [UInt8]) throws(InvalidRequest) -> String {
        var parser = RequestParser()
        var offset = 0
        let event: RequestParser.Event?
        do throws(HTTPViolation) { event = try parser.next(request.rawSpan, from: &offset) } catch {
            throw .request(error)
        }
        // The request has no body, so it is incomplete only if its fields announce one.
        guard case .request(let parsed)? = event else { throw .handshake(.unexpectedBody) }
        do throws(HandshakeViolation) { return try Handshake.accept(parsed.head).acceptKey.text } catch {
            throw .handshake(error)
        }
    }

    /// Checks a final (not interim) response; after it the connection carries frames.
    public func check(_ response: ResponseHead) throws(Failure) -> Agreement {
        guard response.status == 101 else { throw .refused(status: response.status) }
        guard response.minorVersion == 1 else { throw .oldHTTPVersion }
        guard response.count(of: "upgrade") > 0 else { throw .missingUpgrade }
        guard response.listValues(of: "upgrade").count == 1, response.hasToken("websocket", in: "upgrade") else {
            throw .unsupportedUpgrade
        }
        guard response.hasToken("upgrade", in: "connection") else { throw .missingConnectionUpgrade }
        guard let answer = response.value(of: "sec-websocket-accept") else { throw .missingAcceptKey }
        guard response.count(of: "sec-websocket-accept") == 1 else { throw .repeatedAcceptKey }
        guard answer.utf8.elementsEqual(acceptKey.utf8) else { throw .wrongAcceptKey }
        return Agreement(subprotocol: try subprotocol(of: response), deflates: try deflates(response))
    }

    /// Section 4.1, item 6 of the response, and section 11.3.4: at most one field, with an offered subprotocol.
    private func subprotocol(of response: ResponseHead) throws(Failure) -> String? {
        guard let chosen = response.value(of: "sec-websocket-protocol") else { return nil }
        guard response.count(of: "sec-websocket-protocol") == 1 else { throw .repeatedSubprotocol }
        // Byte by byte, because Swift strings are equal if they merely look the same.
        guard let offered = subprotocols.first(where: { $0.utf8.elementsEqual(chosen.utf8) }) else {
            throw .unofferedSubprotocol
        }
        return offered
    }

    /// Section 4.1, item 5 of the response, and RFC 7692 section 7.1: the parameters must fit the offer.
    private func deflates(_ response: ResponseHead) throws(Failure) -> Bool {
        var deflates = false
        for element in response.listValues(of: "sec-websocket-extensions") {
            guard let answer = ExtensionOffer(parsing: element) else { throw .badExtensions }
            guard offersDeflate, answer.name == "permessage-deflate" else { throw .unofferedExtension }
            guard !deflates else { throw .repeatedExtension }
            guard ClientHandshake.isAnswer(answer.parameters) else { throw .badDeflateParameters }
            deflates = true
        }
        return deflates
    }

    private static func isAnswer(_ parameters: [ExtensionOffer.Parameter]) -> Bool {
        let names = Set(parameters.map(\.name))
        guard names.count == parameters.count, names.contains("server_no_context_takeover") else { return false }
        return parameters.allSatisfy { parameter in
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil), ("client_no_context_takeover", nil): true
            // Section 7.1.2.1: a server may limit its own window unasked, but not ours.
            case ("server_max_window_bits", let bits?): (8...15).contains { String($0) == bits }
            default: false
            }
        }
    }
}
