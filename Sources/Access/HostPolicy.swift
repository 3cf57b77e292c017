internal import Bytes
internal import HTTP

/// The host names that a server accepts over loopback.
///
/// This stops DNS rebinding: a page of `evil.example` makes its name resolve to 127.0.0.1. For the browser the local
/// server then has the page's own origin, and only the Host header still shows the name.
struct HostPolicy: Sendable {
    private static let localhost = Array("localhost".utf8)
    private let names: [HostPattern]

    init(_ names: [HostPattern]) {
        self.names = names
    }

    /// Whether a request is allowed: its Host is an address or `localhost`, which cannot be rebound, or a listed name.
    ///
    /// A request without Host is allowed, because browsers always send one.
    func admits(_ head: RequestHead) -> Bool {
        head.withHost(admits) ?? true
    }

    /// Whether a Host with these bytes is allowed.
    func admits(_ host: RawSpan) -> Bool {
        if host.byteCount > 0, host.byte(at: 0) == UInt8(ascii: "[") { return true }
        var end = 0
        while end < host.byteCount, host.byte(at: end) != UInt8(ascii: ":") { end += 1 }
        if end > 0, host.byte(at: end - 1) == UInt8(ascii: ".") { end -= 1 }
        let name = host.extracting(first: end)
        return HostPolicy.isIPv4(name) || HostPolicy.isLocalhost(name) || isListed(name)
    }

    private func isListed(_ name: RawSpan) -> Bool {
        guard !names.isEmpty, let name = name.text?.lowercased() else { return false }
        return names.contains { $0.matches(name[...]) }
    }

    /// `localhost` or a name that ends with `.localhost`; browsers do not look these up (RFC 6761 section 6.3).
    private static func isLocalhost(_ name: RawSpan) -> Bool {
        let start = name.byteCount - localhost.count
        guard start >= 0, start == 0 || name.byte(at: start - 1) == UInt8(ascii: ".") else { return false }
        // Setting 0x20 turns ASCII capitals into lower-case letters, and no other byte into a letter.
        for index in 0..<localhost.count where name.byte(at: start + index) | 0x20 != localhost[index] { return false }
        return true
    }

    /// Four numbers up to 255, the only form in which browsers write addresses.
    private static func isIPv4(_ name: RawSpan) -> Bool {
        var (dots, digits, number) = (0, 0, 0)
        for offset in 0..<name.byteCount {
            let byte = name.byte(at: offset)
            if byte == UInt8(ascii: "."), digits > 0 {
                (dots, digits, number) = (dots + 1, 0, 0)
            } else {
                guard byte.isDigit, digits < 3 else { return false }
                (digits, number) = (digits + 1, number * 10 + Int(byte - UInt8(ascii: "0")))
                guard number <= 255 else { return false }
            }
        }
        return dots == 3 && digits > 0
    }
}
