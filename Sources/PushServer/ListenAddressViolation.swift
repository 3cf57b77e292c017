/// Why a text is not an address to listen on.
public enum ListenAddressViolation: Error, CaseIterable, CustomStringConvertible {
    /// The port is missing or not a number.
    case missingPort
    /// The port is above 65535.
    case portOutOfRange
    /// The host is a name or empty.
    case hostIsNoAddress
    /// An IPv6 address without brackets, or brackets around something else.
    case bracketsMissing
    /// The path is empty or too long.
    case badPath
    /// `tls:` before `unix:`.
    case tlsOnUnixSocket
    /// `tls:proxy:`, or `proxy:` twice.
    case proxyIsNotFirst

    /// The problem and the accepted form.
    public var description: String {
        switch self {
        case .missingPort: "the port is missing: PORT, HOST:PORT, [IPv6]:PORT or unix:PATH"
        case .portOutOfRange: "a port is 0 to 65535"
        case .hostIsNoAddress: "HOST is a numeric address or localhost, and :PORT means all addresses"
        case .bracketsMissing: "an IPv6 address, and nothing else, stands in brackets: [::1]:8081"
        case .badPath: "the path of a unix socket has 1 to 107 bytes"
        case .tlsOnUnixSocket: "TLS is for TCP addresses only"
        case .proxyIsNotFirst: "proxy: stands before all else, as its header does: proxy:tls:8443"
        }
    }
}
