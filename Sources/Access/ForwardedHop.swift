internal import Bytes

/// The information of one proxy about the sender of a request.
struct ForwardedHop: Equatable {
    /// Nil if the proxy gave no address.
    var address: IPAddress?
    /// Whether the request used TLS; nil if the proxy did not say.
    var isSecure: Bool?
}

extension ForwardedHop {
    /// Parses an element of X-Forwarded-For: an address with an optional port.
    init(node: Substring) {
        address = ForwardedHop.address(node)
    }

    /// Parses an element of Forwarded (RFC 7239 section 4), such as `for="[2001:db8::1]:80";proto=https`.
    ///
    /// A malformed element contains no information.
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

    /// Whether a scheme uses TLS; some proxies send the WebSocket's scheme.
    static func isSecure(_ scheme: Substring) -> Bool? {
        switch scheme.lowercased() {
        case "https", "wss": true
        case "http", "ws": false
        default: nil
        }
    }

    /// Parses `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
    ///
    /// Nil for anything else, such as `unknown` and `_hidden` (RFC 7239 section 6).
    private static func address(_ node: Substring) -> IPAddress? {
        if let address = IPAddress(node) { return address }
        guard let parts = HostAndPort(node), parts.hasRightBrackets, parts.port.map(isPort) ?? true else { return nil }
        return IPAddress(parts.host)
    }

    /// Whether a port is a number, or a word (RFC 7239 section 6).
    private static func isPort(_ port: Substring) -> Bool {
        !port.isEmpty && (port.hasPrefix("_") || port.utf8.allSatisfy(\.isDigit))
    }

    /// Removes `name=value` and the semicolon after it from the front; nil if there is none.
    ///
    /// Returns the name in lower case and the value without quotes. A value may contain more bytes than a token,
    /// because some proxies write `for=192.0.2.1:80`.
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

    /// Removes a quoted string (RFC 9110 section 5.6.4) from the front; nil if it does not end.
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
