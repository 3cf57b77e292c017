internal import WSLoop

/// Where Redis is and how to log in.
public struct RedisEndpoint: Sendable, Equatable {
    enum Transport: Sendable, Equatable {
        case tcp(host: String, port: UInt16)
        case unix(SocketAddress)
    }

    let transport: Transport
    let user: String?
    let password: String?
    let database: UInt32

    /// Reads `redis://[user:password@]host[:port][/database]` or `redis+unix://[user:password@]/path[?db=database]`.
    ///
    /// User, password and path may hold percent-encoded bytes; an IPv6 address stands in brackets.
    public init(parsing url: String) throws(RedisURLViolation) {
        let scheme = url.prefix { $0 != ":" }
        var rest = url.dropFirst(scheme.count)
        guard rest.hasPrefix("://") else { throw .unknownScheme(nil) }
        rest = rest.dropFirst(3)
        guard !rest.contains("#") else { throw .unexpectedPart }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        rest = rest[end...]
        let hostStart = authority.lastIndex(of: "@").map { authority.index(after: $0) } ?? authority.startIndex
        (user, password) = try RedisEndpoint.credentials(authority[..<hostStart].dropLast())
        switch scheme {
        case "redis":
            transport = try RedisEndpoint.tcp(authority[hostStart...])
            database = try RedisEndpoint.database(path: rest)
        case "redis+unix":
            guard hostStart == authority.endIndex else { throw .badPath }
            (transport, database) = try RedisEndpoint.unix(rest)
        case "rediss": throw .needsTLS
        default: throw .unknownScheme(String(scheme))
        }
    }

    private static func credentials(_ text: Substring) throws(RedisURLViolation) -> (String?, String?) {
        guard !text.isEmpty else { return (nil, nil) }
        guard let colon = text.firstIndex(of: ":") else { throw .missingPassword }
        let user = try decode(text[..<colon])
        let password = try decode(text[text.index(after: colon)...])
        guard !password.isEmpty else { throw .missingPassword }
        return (user.isEmpty ? nil : user, password)
    }

    private static func tcp(_ text: Substring) throws(RedisURLViolation) -> Transport {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { throw .badHost }
            host = text[text.index(after: text.startIndex)..<bracket]
            let rest = text[text.index(after: bracket)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw .badHost }
            if !rest.isEmpty { port = rest.dropFirst() }
            guard SocketAddress(host: String(host), port: 0)?.host?.contains(":") == true else { throw .badHost }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard !host.isEmpty, !host.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else { throw .badHost }
        guard let port else { return .tcp(host: String(host), port: 6379) }
        guard let number = UInt16(port), number > 0, !port.hasPrefix("+") else { throw .badPort }
        return .tcp(host: String(host), port: number)
    }

    private static func database(path: Substring) throws(RedisURLViolation) -> UInt32 {
        guard !path.contains("?") else { throw .unexpectedPart }
        return path.count <= 1 ? 0 : try database(number: path.dropFirst())
    }

    private static func unix(_ text: Substring) throws(RedisURLViolation) -> (Transport, UInt32) {
        let question = text.firstIndex(of: "?") ?? text.endIndex
        guard let address = SocketAddress(unixPath: try decode(text[..<question])) else { throw .badPath }
        guard question < text.endIndex else { return (.unix(address), 0) }
        let query = text[text.index(after: question)...]
        guard query.hasPrefix("db=") else { throw .unexpectedPart }
        return (.unix(address), try database(number: query.dropFirst(3)))
    }

    private static func database(number text: Substring) throws(RedisURLViolation) -> UInt32 {
        guard let number = UInt32(text), !text.hasPrefix("+") else { throw .badDatabase(String(text)) }
        return number
    }

    private static func decode(_ text: Substring) throws(RedisURLViolation) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }),
                let low = rest.popFirst().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue })
            else { throw .badEscape }
            bytes.append(UInt8(high * 16 + low))
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .badEscape }
        return decoded
    }
}

extension RedisEndpoint: CustomStringConvertible, CustomDebugStringConvertible {
    /// The URL without the password.
    public var description: String {
        let login = password == nil ? "" : "\(user ?? ""):***@"
        switch transport {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "redis://\(login)\(name):\(port)\(database == 0 ? "" : "/\(database)")"
        case .unix(let address):
            return "redis+unix://\(login)\(address.unixPath ?? "")\(database == 0 ? "" : "?db=\(database)")"
        }
    }

    /// As `description`: a password must not reach a log by way of a debug print.
    public var debugDescription: String { description }
}

/// What is wrong with a Redis URL.
public enum RedisURLViolation: Error, Equatable, Sendable {
    /// `rediss://`.
    case needsTLS
    /// Another scheme, or none.
    case unknownScheme(String?)
    /// The host is missing or malformed.
    case badHost
    /// The port is no number from 1 to 65535; not repeated, since it may be a piece of a password with a `/` in it.
    case badPort
    /// The database is no number.
    case badDatabase(String)
    /// The socket's path is missing, not absolute, or too long for the system.
    case badPath
    /// `user@` without a password.
    case missingPassword
    /// A percent sign without two hexadecimal digits, or bytes that are not UTF-8.
    case badEscape
    /// A query or fragment that means nothing here.
    case unexpectedPart
}

extension RedisURLViolation: CustomStringConvertible {
    /// The violation in words; never shows the password.
    public var description: String {
        switch self {
        case .needsTLS: "rediss:// needs TLS, which this version does not have"
        case .unknownScheme(let scheme):
            "\(scheme.map { "unknown scheme \($0)://" } ?? "no scheme"), expected redis:// or redis+unix://"
        case .badHost: "the host is missing or malformed"
        case .badPort: "the port is not a number from 1 to 65535 (encode / in a password as %2F)"
        case .badDatabase(let text): "database \"\(text)\" is not a number"
        case .badPath: "the unix socket's path must be absolute and at most 107 bytes"
        case .missingPassword: "a user needs a password: user:password@, or :password@ for the default user"
        case .badEscape: "a % must be followed by two hexadecimal digits, and the decoded text must be UTF-8"
        case .unexpectedPart: "unexpected query or fragment (encode ? and # in a password as %3F and %23)"
        }
    }
}
