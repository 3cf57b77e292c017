internal import Bytes

/// Where a page is from: scheme, host and port (RFC 6454 section 4).
struct WebOrigin: Equatable {
    let scheme: Substring
    let host: Substring
    /// The scheme's own port if none is written; empty if it has none.
    let port: Substring

    /// Reads `scheme://host[:port]`, which is all that browsers send; nil for anything else, `null` too.
    init?(_ text: String) {
        let text = text.lowercased()[...]
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex, text[colon...].hasPrefix("://") else {
            return nil
        }
        scheme = text[..<colon]
        let (host, port) = text[colon...].dropFirst(3).hostAndPort
        guard !host.isEmpty, port?.isEmpty != true, port?.utf8.allSatisfy(\.isDigit) != false else { return nil }
        self.host = host
        self.port = port ?? WebOrigin.defaultPort(of: scheme)
    }

    private static func defaultPort(of scheme: Substring) -> Substring {
        switch scheme {
        case "http": "80"
        case "https": "443"
        default: ""
        }
    }
}

extension Substring {
    /// `h:81` as `h` and `81`; an IPv6 address keeps its brackets.
    var hostAndPort: (host: Substring, port: Substring?) {
        // The colons inside of the brackets are no port's.
        let hostEnd = lastIndex(of: "]").map { index(after: $0) } ?? firstIndex(of: ":") ?? endIndex
        let rest = self[hostEnd...]
        return (self[..<hostEnd], rest.isEmpty ? nil : rest.dropFirst())
    }
}
