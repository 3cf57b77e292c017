internal import Bytes
internal import HTTP

/// Under which names a server is asked over loopback.
///
/// DNS rebinding: a page of `evil.example` lets its name point to 127.0.0.1. To the browser the server there then has
/// the page's own origin. Only the Host header still shows the name.
struct HostPolicy: Sendable {
    private static let localhost = Array("localhost".utf8)
    private let names: [HostPattern]

    init(_ names: [HostPattern]) {
        self.names = names
    }

    /// Whether a request may pass: its Host is an address or `localhost`, which point nowhere else, or a listed name.
    ///
    /// One without Host passes: browsers always send it.
    func admits(_ head: RequestHead) -> Bool {
        head.withHost(admits) ?? true
    }

    /// Whether a Host of these bytes may pass.
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

    /// `localhost`, or a name that ends with `.localhost`: browsers ask no resolver for these (RFC 6761 section 6.3).
    private static func isLocalhost(_ name: RawSpan) -> Bool {
        let start = name.byteCount - localhost.count
        guard start >= 0, start == 0 || name.byte(at: start - 1) == UInt8(ascii: ".") else { return false }
        // 0x20 makes capital letters of ASCII small ones, and nothing else a letter.
        for index in 0..<localhost.count where name.byte(at: start + index) | 0x20 != localhost[index] { return false }
        return true
    }

    /// Four numbers up to 255: browsers write addresses in no other form.
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
