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
    /// Without brackets the last colon is the port's: in `::1:80` the host is `::1`. Text is split by bytes, because a
    /// colon and a mark that combines with it are one `Character`.
    public init?(_ text: Substring) {
        let bytes = text.utf8
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let rest = bytes[bytes.index(after: bracket)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { return nil }
            writtenHost = Substring(bytes[...bracket])
            port = rest.isEmpty ? nil : Substring(rest.dropFirst())
        } else {
            let colon = bytes.lastIndex(of: UInt8(ascii: ":"))
            writtenHost = Substring(bytes[..<(colon ?? bytes.endIndex)])
            port = colon.map { Substring(bytes[$0...].dropFirst()) }
        }
    }

    /// The host without brackets.
    public var host: Substring { isBracketed ? Substring(writtenHost.utf8.dropFirst().dropLast()) : writtenHost }

    /// Whether the host is in brackets.
    public var isBracketed: Bool { writtenHost.utf8.first == UInt8(ascii: "[") }

    /// Whether the brackets contain exactly an IPv6 address.
    public var hasRightBrackets: Bool { isBracketed == host.utf8.contains(UInt8(ascii: ":")) }

    /// The port number; nil if there is no port, or it is not a number up to 65535.
    public var portNumber: UInt16? {
        port.flatMap { $0.utf8.allSatisfy(\.isDigit) ? UInt16($0) : nil }
    }
}
