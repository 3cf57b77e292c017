/// A pattern for origins: `https://example.org`, `https://*.example.org`, `null` (pages without an origin) or `*`.
///
/// Some apps and devices send `file://`, without a host.
public struct OriginPattern: Sendable, CustomStringConvertible {
    private enum Kind {
        case all
        case withoutHost(String)
        case pages(scheme: Substring, host: HostPattern, port: Substring)
    }

    /// All origins.
    public static let all = OriginPattern(description: "*", kind: .all)

    /// The pattern as it was written.
    public let description: String
    private let kind: Kind

    private init(description: String, kind: Kind) {
        self.description = description
        self.kind = kind
    }

    /// Parses a pattern; nil if it is not valid.
    public init?(_ text: String) {
        description = text
        switch text {
        case "*": kind = .all
        case "null", "file://": kind = .withoutHost(text)
        default:
            guard let origin = WebOrigin(text), let host = HostPattern(String(origin.host)), !host.matchesAll else {
                return nil
            }
            kind = .pages(scheme: origin.scheme, host: host, port: origin.port)
        }
    }

    /// Whether it is `*`.
    public var matchesAll: Bool {
        if case .all = kind { true } else { false }
    }

    /// The hosts of the matching pages, if they have any.
    var host: HostPattern? {
        if case .pages(_, let host, _) = kind { host } else { nil }
    }

    /// Whether an Origin header's value matches.
    func matches(_ text: String) -> Bool {
        switch kind {
        case .all: return true
        case .withoutHost(let origin): return text == origin
        case .pages(let scheme, let host, let port):
            guard let origin = WebOrigin(text) else { return false }
            return origin.scheme == scheme && origin.port == port && host.matches(origin.host)
        }
    }
}
