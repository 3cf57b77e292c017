/// The parts of `host`, `host:port`, `[address]` or `[address]:port`.
///
/// Only the form is checked: the caller decides whether the host may be a name or an address, and which ports are
/// allowed.
public struct HostAndPort {
    /// The host as written; an IPv6 address includes its brackets.
    public let writtenHost: Substring
    /// The text after the colon; nil if there is none.
    public let port: Substring?

    /// Splits a text; nil if a bracket is not closed, or is followed by something other than a port.
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

    /// Whether the brackets contain exactly an IPv6 address.
    public var hasRightBrackets: Bool { isBracketed == host.contains(":") }

    /// The port number; nil if there is no port, or it is not a number up to 65535.
    public var portNumber: UInt16? {
        port.flatMap { $0.utf8.allSatisfy(\.isDigit) ? UInt16($0) : nil }
    }
}
