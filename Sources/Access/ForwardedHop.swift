internal import Bytes

/// What one proxy says about where a request came to it from.
struct ForwardedHop: Equatable {
    /// Nil if it says nothing that is an address.
    var address: IPAddress?
    /// Whether the request came with TLS; nil if it does not say.
    var isSecure: Bool?
}

extension ForwardedHop {
    /// An element of X-Forwarded-For: an address, perhaps with a port.
    init(node: Substring) {
        address = ForwardedHop.address(node)
    }

    /// An element of Forwarded (RFC 7239 section 4), such as `for="[2001:db8::1]:80";proto=https`.
    ///
    /// One that is malformed says nothing.
    init(element: String) {
        var rest = element[...]
        var found = ForwardedHop()
        var names: Set<String> = []
        while !rest.isEmpty {
            guard let (name, value) = ForwardedHop.nextPair(&rest), names.insert(name).inserted else { return }
            switch name {
            case "for": found.address = ForwardedHop.address(value[...])
            case "proto": found.isSecure = ForwardedHop.isSecure(value[...])
            default: break
            }
        }
        self = found
    }

    /// Whether a scheme is one with TLS; some proxies name that of the WebSocket.
    static func isSecure(_ scheme: Substring) -> Bool? {
        switch scheme.lowercased() {
        case "https", "wss": true
        case "http", "ws": false
        default: nil
        }
    }

    /// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; nil for anything else, as for
    /// `unknown` and `_hidden` (RFC 7239 section 6).
    private static func address(_ node: Substring) -> IPAddress? {
        if let address = IPAddress(node) { return address }
        guard let parts = HostAndPort(node), parts.hasRightBrackets, parts.port.map(isPort) ?? true else { return nil }
        return IPAddress(parts.host)
    }

    /// Whether a port is a number, or a word (RFC 7239 section 6).
    private static func isPort(_ port: Substring) -> Bool {
        !port.isEmpty && (port.hasPrefix("_") || port.utf8.allSatisfy(\.isDigit))
    }

    /// Takes `name=value` and the semicolon behind it off the front; nil if that is not there.
    ///
    /// The name is in lower case; a value in quotes is without them. More bytes than a token has are taken in a value,
    /// since some proxies write `for=192.0.2.1:80`.
    private static func nextPair(_ rest: inout Substring) -> (name: String, value: String)? {
        guard let equals = rest.firstIndex(of: "="), equals != rest.startIndex else { return nil }
        let name = rest[..<equals].lowercased()
        rest = rest[rest.index(after: equals)...]
        let value: String
        if rest.hasPrefix("\"") {
            guard let text = takeQuoted(&rest) else { return nil }
            value = text
        } else {
            let end = rest.firstIndex(of: ";") ?? rest.endIndex
            value = String(rest[..<end])
            rest = rest[end...]
        }
        guard rest.isEmpty || rest.hasPrefix(";") else { return nil }
        rest = rest.dropFirst()
        return value.isEmpty ? nil : (name, value)
    }

    /// Takes a quoted string (RFC 9110 section 5.6.4) off the front; nil if it does not end.
    private static func takeQuoted(_ rest: inout Substring) -> String? {
        var text = ""
        var isEscaped = false
        for index in rest.indices.dropFirst() {
            let character = rest[index]
            if isEscaped || (character != "\"" && character != "\\") {
                text.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                rest = rest[rest.index(after: index)...]
                return text
            }
        }
        return nil
    }
}
