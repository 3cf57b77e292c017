internal import Bytes
internal import WSLoop

/// The parts of a Redis URL.
struct RedisURL {
    let scheme: String
    let user: String?
    let password: String?
    /// The part with the servers, as written.
    let hosts: Substring
    /// The part after the servers, from the slash on.
    private let rest: Substring

    /// Splits a URL by bytes, because a separator and a mark that combines with it are one `Character`.
    init(parsing url: String) throws(RedisURLViolation) {
        guard let colon = url.utf8.firstIndex(of: UInt8(ascii: ":")), url.utf8[colon...].starts(with: "://".utf8) else {
            throw .unknownScheme(nil)
        }
        scheme = String(url[..<colon])
        let rest = url.utf8[colon...].dropFirst(3)
        guard !rest.contains(UInt8(ascii: "#")) else { throw .unexpectedPart }
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        self.rest = Substring(rest[end...])
        let authority = rest[..<end]
        let at = authority.lastIndex(of: UInt8(ascii: "@"))
        hosts = Substring(at.map { authority[$0...].dropFirst() } ?? authority)
        (user, password) = try RedisURL.credentials(Substring(authority[..<(at ?? authority.startIndex)]))
    }

    /// The text after the first slash.
    var path: Substring { Substring(rest.utf8.dropFirst()) }

    /// The servers in the list.
    func servers(defaultPort: UInt16) throws(RedisURLViolation) -> [RedisServer] {
        guard !rest.utf8.contains(UInt8(ascii: "?")) else { throw .unexpectedPart }
        var servers: [RedisServer] = []
        for text in hosts.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            servers.append(try RedisURL.server(Substring(text), defaultPort: defaultPort))
        }
        return servers
    }

    /// A database number; by default 0.
    func database(_ text: Substring) throws(RedisURLViolation) -> UInt32 {
        text.isEmpty ? 0 : try RedisURL.number(text)
    }

    /// A socket's path, with an optional `?db=`.
    func unixSocket() throws(RedisURLViolation) -> (RedisEndpoint.Topology, UInt32) {
        let question = rest.utf8.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        let path = try RedisURL.decode(rest[..<question])
        guard hosts.isEmpty, SocketAddress(unixPath: path) != nil, path.hasPrefix("/") else { throw .badPath }
        guard question < rest.endIndex else { return (.single(.unix(path: path)), 0) }
        let query = rest.utf8[question...].dropFirst()
        guard query.starts(with: "db=".utf8) else { throw .unexpectedPart }
        return (.single(.unix(path: path)), try RedisURL.number(Substring(query.dropFirst(3))))
    }

    private static func credentials(_ text: Substring) throws(RedisURLViolation) -> (String?, String?) {
        guard !text.isEmpty else { return (nil, nil) }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return (try decode(text), nil) }
        let user = try decode(text[..<colon])
        let password = try decode(Substring(text.utf8[colon...].dropFirst()))
        guard !password.isEmpty else { throw .missingPassword }
        return (user.isEmpty ? nil : user, password)
    }

    private static func server(_ text: Substring, defaultPort: UInt16) throws(RedisURLViolation) -> RedisServer {
        guard let parts = HostAndPort(text), parts.hasRightBrackets, !parts.host.isEmpty,
            !parts.host.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }),
            !parts.isBracketed || SocketAddress(host: String(parts.host), port: 0) != nil
        else { throw .badHost }
        guard parts.port != nil else { return .tcp(host: String(parts.host), port: defaultPort) }
        guard let port = parts.portNumber, port > 0 else { throw .badPort }
        return .tcp(host: String(parts.host), port: port)
    }

    private static func number(_ text: Substring) throws(RedisURLViolation) -> UInt32 {
        guard let number = UInt32(text), !text.hasPrefix("+") else { throw .badDatabase(String(text)) }
        return number
    }

    /// Decodes percent-encoded bytes.
    static func decode(_ text: Substring) throws(RedisURLViolation) -> String {
        guard let bytes = PercentEncoding.decode(Array(text.utf8)[...]),
            let decoded = String(validating: bytes, as: UTF8.self)
        else { throw .badEscape }
        return decoded
    }
}

/// What is wrong with a Redis URL.
public enum RedisURLViolation: Error, Equatable, Sendable {
    /// Another scheme, or none.
    case unknownScheme(String?)
    /// A host is missing or malformed.
    case badHost
    /// The port is not a number from 1 to 65535; not shown, because it may be part of a password with a `/` in it.
    case badPort
    /// The database is not a number.
    case badDatabase(String)
    /// A cluster has only database 0.
    case clusterHasNoDatabases
    /// The master's name is missing after the sentinels.
    case missingMaster
    /// The socket's path is missing, not absolute, or too long for the system.
    case badPath
    /// `user:@`, without a password.
    case missingPassword
    /// A percent sign without two hexadecimal digits, or bytes that are not UTF-8.
    case badEscape
    /// A query or fragment that is not allowed here.
    case unexpectedPart
}

extension RedisURLViolation: CustomStringConvertible {
    /// The violation in words; never contains the password.
    public var description: String {
        switch self {
        case .unknownScheme(let scheme):
            "\(scheme.map { "unknown scheme \($0)://" } ?? "no scheme"), expected redis://, rediss://, redis+unix://, "
                + "redis+sentinel:// or redis+cluster://"
        case .badHost: "the host is missing or malformed (encode / in a password as %2F)"
        case .badPort: "the port is not a number from 1 to 65535 (encode / in a password as %2F)"
        case .badDatabase(let text): "database \"\(text)\" is not a number"
        case .clusterHasNoDatabases: "a cluster has only database 0"
        case .missingMaster: "the master's name is missing: redis+sentinel://host:26379/mymaster"
        case .badPath: "the unix socket's path must be absolute and at most 107 bytes"
        case .missingPassword: "the password is empty: user:password@, or :password@ for the default user"
        case .badEscape: "a % must be followed by two hexadecimal digits, and the decoded text must be UTF-8"
        case .unexpectedPart: "unexpected query or fragment (encode ? and # in a password as %3F and %23)"
        }
    }
}
