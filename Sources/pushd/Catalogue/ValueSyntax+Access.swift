import Access
import HTTP
import PushServer

extension ValueSyntax where Value == ListenAddress {
    /// An address to listen on.
    static var address: ValueSyntax { .parsed("addr", ListenAddress.init(parsing:)) }
}

extension ValueSyntax where Value == PathPrefix {
    /// A path below which everything is also served.
    static var pathPrefix: ValueSyntax {
        ValueSyntax("path", "a path such as /push, of letters, digits and -._~") { PathPrefix($0) }
    }
}

extension ValueSyntax where Value == TrustedProxy {
    /// An address, a range, or `unix`.
    static var proxy: ValueSyntax { .parsed("net", TrustedProxy.init(parsing:)) }
}

extension ValueSyntax where Value == OriginPattern {
    /// The origins of pages.
    static var origin: ValueSyntax {
        ValueSyntax(
            "origin", "*, null, scheme://host[:port] or scheme://*.domain",
            remedy: { text in
                let (scheme, host) = parts(of: text)
                let origin = "\(scheme ?? "https")://\(host)"
                return OriginPattern(origin) == nil ? nil : "write \(origin)"
            }
        ) { OriginPattern($0) }
    }
}

extension ValueSyntax where Value == HostPattern {
    /// The names of hosts.
    static var host: ValueSyntax {
        ValueSyntax(
            "name", "a host's name without a port, or *.domain",
            remedy: { text in
                let host = String(parts(of: text).host.prefix { $0 != ":" })
                return HostPattern(host) == nil ? nil : "write \(host)"
            }
        ) { HostPattern($0) }
    }
}

extension ValueSyntax {
    /// Scheme and host in `https://example.org/app` or `example.org`.
    fileprivate static func parts(of text: String) -> (scheme: Substring?, host: Substring) {
        let mark = text.firstRange(of: "://")
        let rest = mark.map { text[$0.upperBound...] } ?? text[...]
        return (mark.map { text[..<$0.lowerBound] }, rest.prefix { !"/?#".contains($0) })
    }
}
