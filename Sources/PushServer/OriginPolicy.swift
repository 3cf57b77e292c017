internal import HTTP

/// Which web pages may connect (cross-site WebSocket hijacking: browsers send cookies along and ask nobody).
struct OriginPolicy: Sendable {
    static let refusal = "this Origin is not allowed (--allow-origin)"

    private let allowed: [String]
    private let allowsAll: Bool

    init(allowed: [String]) {
        self.allowed = allowed.map { $0.lowercased() }
        allowsAll = allowed.contains("*")
    }

    /// Whether a request may pass: one without Origin comes from no browser; a browser's page must be of this server
    /// or listed.
    ///
    /// Of several Origins nobody can say which is the page's.
    func admits(_ head: RequestHead) -> Bool {
        guard let origin = head.value(of: "origin"), !allowsAll else { return true }
        guard head.count(of: "origin") == 1 else { return false }
        if allowed.contains(origin.lowercased()) { return true }
        guard let host = head.host, let authority = OriginPolicy.authority(of: origin.lowercased()) else {
            return false
        }
        return authority == host.lowercased()
    }

    /// `http://host:8081` is of the Host `host:8081`; a default port is written in neither (RFC 6454 section 6.2).
    private static func authority(of origin: String) -> String? {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return String(origin.dropFirst(scheme.count))
        }
        return nil
    }
}
