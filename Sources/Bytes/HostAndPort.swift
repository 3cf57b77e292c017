/// `host`, `host:port`, `[address]` or `[address]:port`, taken apart.
///
/// Only the form is read: whether the host is a name or an address, and which ports it may have, the caller decides.
public struct HostAndPort {
    /// The host as it is written, an IPv6 address with its brackets.
    public let writtenHost: Substring
    /// What stands behind the colon; nil if there is none.
    public let port: Substring?

    /// Takes a text apart; nil if a bracket does not close, or something other than a port is behind it.
    ///
    /// Without brackets the last colon is the port's: in `::1:80` the host is `::1`.
    public init?(_ text: Substring) {
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            let rest = text[bracket...].dropFirst()
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            writtenHost = text[...bracket]
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            let colon = text.lastIndex(of: ":")
            writtenHost = text[..<(colon ?? text.endIndex)]
            port = colon.map { text[$0...].dropFirst() }
        }
    }

    /// The host without brackets.
    public var host: Substring { isBracketed ? writtenHost.dropFirst().dropLast() : writtenHost }

    /// Whether the host is in brackets.
    public var isBracketed: Bool { writtenHost.hasPrefix("[") }

    /// Whether an IPv6 address, and nothing else, is in brackets.
    public var hasRightBrackets: Bool { isBracketed == host.contains(":") }

    /// The port's number; nil if there is no port, or something other than a number up to 65535.
    public var portNumber: UInt16? {
        port.flatMap { $0.utf8.allSatisfy(\.isDigit) ? UInt16($0) : nil }
    }
}
