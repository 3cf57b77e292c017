/// Under which names a server is asked over loopback.
///
/// DNS rebinding: a page of `evil.example` lets its name point to 127.0.0.1. To the browser the server there is then of the
/// page's own origin; only Host still says whose name it is.
struct HostPolicy: Sendable {
    private static let localhost = Array("localhost".utf8)
    private let names: [HostPattern]

    init(_ names: [HostPattern]) {
        self.names = names
    }

    /// Whether a request with this Host may pass: an address and `localhost` point nowhere else, other names are listed.
    func admits(_ host: String?) -> Bool {
        // Browsers always send a Host.
        guard let host else { return true }
        let bytes = Array(host.utf8)
        guard bytes.first != UInt8(ascii: "[") else { return true }
        var name = bytes.prefix { $0 != UInt8(ascii: ":") }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        return HostPolicy.isIPv4(name) || HostPolicy.isLocalhost(name) || isListed(name)
    }

    private func isListed(_ name: ArraySlice<UInt8>) -> Bool {
        guard !names.isEmpty else { return false }
        let name = String(decoding: name, as: UTF8.self).lowercased()[...]
        return names.contains { $0.matches(name) }
    }

    /// `localhost`, or a name that ends with `.localhost`: browsers ask no resolver for these (RFC 6761 section 6.3).
    private static func isLocalhost(_ name: ArraySlice<UInt8>) -> Bool {
        let rest = name.dropLast(localhost.count)
        // 0x20 makes capital letters of ASCII small ones, and nothing else a letter.
        return (rest.isEmpty || rest.last == UInt8(ascii: "."))
            && name.suffix(localhost.count).lazy.map { $0 | 0x20 }.elementsEqual(localhost)
    }

    /// Four numbers up to 255: browsers write addresses in no other form.
    private static func isIPv4(_ name: ArraySlice<UInt8>) -> Bool {
        var (dots, digits, number) = (0, 0, 0)
        for byte in name {
            if byte == UInt8(ascii: "."), digits > 0 {
                (dots, digits, number) = (dots + 1, 0, 0)
            } else {
                guard isDigit(byte), digits < 3 else { return false }
                (digits, number) = (digits + 1, number * 10 + Int(byte - UInt8(ascii: "0")))
                guard number <= 255 else { return false }
            }
        }
        return dots == 3 && digits > 0
    }
}
