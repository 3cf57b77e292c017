internal import Bytes

/// The origin of a page: scheme, host and port (RFC 6454 section 4).
struct WebOrigin: Equatable {
    let scheme: Substring
    let host: Substring
    /// By default the scheme's own port; empty if it has none.
    let port: Substring

    /// Parses `scheme://host[:port]`, which is all that browsers send; nil for anything else, including `null`.
    init?(_ text: String) {
        let text = text.lowercased()[...]
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex, text[colon...].hasPrefix("://") else {
            return nil
        }
        scheme = text[..<colon]
        guard let parts = HostAndPort(text[colon...].dropFirst(3)), !parts.host.isEmpty, parts.hasRightBrackets,
            parts.port == nil || parts.portNumber != nil
        else { return nil }
        host = parts.writtenHost
        port = parts.port ?? WebOrigin.defaultPort(of: scheme)
    }

    private static func defaultPort(of scheme: Substring) -> Substring {
        switch scheme {
        case "http": "80"
        case "https": "443"
        default: ""
        }
    }
}
