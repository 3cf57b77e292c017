internal import HTTP

/// One element of a Sec-WebSocket-Extensions header (RFC 6455 section 9.1): a name and parameters.
struct ExtensionOffer: Equatable {
    struct Parameter: Equatable {
        let name: String
        /// The value without its quotes; nil if there is none.
        let value: String?
    }

    let name: String
    let parameters: [Parameter]

    /// The offers of a request, in the client's order of preference.
    static func offers(in head: RequestHead) throws(HandshakeViolation) -> [ExtensionOffer] {
        var offers: [ExtensionOffer] = []
        for element in head.listValues(of: "sec-websocket-extensions") {
            guard let offer = ExtensionOffer(parsing: element) else { throw .badExtensions }
            offers.append(offer)
        }
        return offers
    }

    /// Reads `token *(";" token ["=" (token / quoted-string)])`; nil if the text is anything else.
    init?(parsing text: String) {
        var rest = Substring(text).utf8[...]
        guard let name = ExtensionOffer.takeToken(&rest) else { return nil }
        var parameters: [Parameter] = []
        while !rest.isEmpty {
            guard rest.removeFirst() == UInt8(ascii: ";"), let name = ExtensionOffer.takeToken(&rest) else {
                return nil
            }
            var value: String?
            if rest.first == UInt8(ascii: "=") {
                rest.removeFirst()
                value = ExtensionOffer.takeValue(&rest)
                guard value != nil else { return nil }
            }
            parameters.append(Parameter(name: name, value: value))
        }
        self.name = name
        self.parameters = parameters
    }

    /// A token, with white space around it skipped.
    private static func takeToken(_ rest: inout Substring.UTF8View) -> String? {
        skipBlanks(&rest)
        let token = rest.prefix(while: Handshake.isTokenCharacter)
        guard !token.isEmpty else { return nil }
        rest = rest.dropFirst(token.count)
        skipBlanks(&rest)
        return String(Substring(token))
    }

    /// A token, optionally quoted and escaped; the text inside the quotes must be a token too.
    private static func takeValue(_ rest: inout Substring.UTF8View) -> String? {
        skipBlanks(&rest)
        guard rest.first == UInt8(ascii: "\"") else { return takeToken(&rest) }
        rest.removeFirst()
        var value: [UInt8] = []
        while var byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") { byte = rest.popFirst() ?? 0 }
            guard Handshake.isTokenCharacter(byte) else { return nil }
            value.append(byte)
            guard !rest.isEmpty else { return nil }
        }
        skipBlanks(&rest)
        return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
    }

    private static func skipBlanks(_ rest: inout Substring.UTF8View) {
        while let byte = rest.first, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { rest.removeFirst() }
    }
}
