internal import Glibc
internal import WSLoop

/// How a link logs in.
struct RedisLogin: Sendable, Equatable {
    var user: String?
    var password: String?
    /// Read again for each attempt, because the password may change while the server runs.
    var passwordFile: String?
    var database: UInt32 = 0
    /// Only a master is accepted: messages published to a replica reach only the replica's own subscribers.
    var needsMaster = false

    /// The largest password file that is read.
    private static let maxFileBytes = 4096

    /// The commands to send before all others; throws if the password cannot be read.
    func steps() throws(RedisLinkFailure) -> [LoginStep] {
        var steps: [LoginStep] = []
        if let password = try currentPassword() { steps.append(.authenticate(user: user, password: password)) }
        if database != 0 { steps.append(.select(database)) }
        steps.append(.ping)
        if needsMaster { steps.append(.role) }
        return steps
    }

    private func currentPassword() throws(RedisLinkFailure) -> String? {
        guard let passwordFile else { return password }
        guard let bytes = SystemFile.read(passwordFile, minBytes: RedisLogin.maxFileBytes) else {
            throw failure(passwordFile, errno)
        }
        var text = String(decoding: bytes.prefix(RedisLogin.maxFileBytes), as: UTF8.self)
        // Editors end a file with a line break, which is not part of the password.
        while let last = text.unicodeScalars.last, last == "\n" || last == "\r" { text.unicodeScalars.removeLast() }
        guard !text.isEmpty else { throw RedisLinkFailure("\(passwordFile) holds no password", .cheap) }
        return text
    }

    private func failure(_ file: String, _ code: Int32) -> RedisLinkFailure {
        RedisLinkFailure("cannot read \(file): \(unsafe String(cString: strerror(code)))", .cheap)
    }
}

/// A command that is sent before all others on a new connection.
enum LoginStep: Equatable {
    case authenticate(user: String?, password: String)
    case select(UInt32)
    /// Checks that Redis serves us: it fails without a required password and while data is being loaded.
    case ping
    /// Distinguishes a master from a replica.
    case role

    var command: RedisCommand {
        switch self {
        case .authenticate(let user?, let password): RedisCommand("AUTH", [user, password])
        case .authenticate(nil, let password): RedisCommand("AUTH", [password])
        case .select(let database): RedisCommand("SELECT", [String(database)])
        case .ping: RedisCommand("PING", [String]())
        case .role: RedisCommand("ROLE", [String]())
        }
    }

    /// The problem with the reply; nil if the login may continue.
    func failure(_ reply: RedisReply) -> RedisLinkFailure? {
        guard let text = reply.errorText else { return self == .role ? LoginStep.wrongRole(reply) : nil }
        // A user who may only publish and subscribe may use neither command, and need not: the error shows that Redis
        // serves us. Some services have no ROLE.
        if self == .role || self == .ping && text.hasPrefix("NOPERM") { return nil }
        return RedisLinkFailure("\(name) was refused: \(text)", text.hasPrefix("LOADING") ? .cheap : .told)
    }

    /// A replica's reply contains its role, its master's host and port, and more.
    private static func wrongRole(_ reply: RedisReply) -> RedisLinkFailure? {
        guard let role = reply.element(0)?.text, wrongRoles.contains(role) else { return nil }
        guard let host = reply.element(1)?.text, let port = reply.element(2)?.integer.flatMap({ UInt16(exactly: $0) })
        else { return RedisLinkFailure("this is a \(role), not a master", .replica) }
        let master = RedisServer.tcp(host: host, port: port)
        return RedisLinkFailure("this is a replica of \(master); messages must be published at its master", .replica)
    }

    /// The roles of servers that do not pass published messages on.
    ///
    /// Dragonfly says "replica". KeyDB's "active-replica" is a master as well.
    private static let wrongRoles = ["slave", "replica", "sentinel"]

    private var name: String {
        switch self {
        case .authenticate: "AUTH"
        case .select: "SELECT"
        case .ping: "PING"
        case .role: "ROLE"
        }
    }
}
