/// Under which names a server is asked over loopback.
///
/// DNS rebinding: a page of `evil.example` lets its name point to 127.0.0.1. To the browser the server there is then of the
/// page's own origin; only Host still says whose name it is.
struct HostPolicy: Sendable {
    private let names: [HostPattern]

    init(_ names: [HostPattern]) {
        self.names = names
    }

    /// Whether a request with this Host may pass: an address and `localhost` point nowhere else, other names are listed.
    func admits(_ host: String?) -> Bool {
        // Browsers always send a Host.
        guard let host else { return true }
        var name = host.lowercased()[...].hostAndPort.host
        if name.hasSuffix(".") { name = name.dropLast() }
        return HostPolicy.isLocal(name) || names.contains { $0.matches(name) }
    }

    private static func isLocal(_ name: Substring) -> Bool {
        name.hasPrefix("[") || isIPv4(name) || name == "localhost" || name.hasSuffix(".localhost")
    }

    /// Four numbers: browsers write addresses in no other form.
    private static func isIPv4(_ name: Substring) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { $0.utf8.allSatisfy(isDigit) && UInt8($0) != nil }
    }
}
