internal import WSLoop

/// The address of Redis and the credentials to log in.
public struct RedisEndpoint: Sendable, Equatable {
    /// How the servers of this Redis are organised.
    enum Topology: Sendable, Equatable {
        /// One server.
        case single(RedisServer)
        /// Sentinels, which know the master with this name.
        case sentinel([RedisServer], master: String)
        /// A cluster; these are some of its servers.
        case cluster([RedisServer])
    }

    let topology: Topology
    let user: String?
    let password: String?
    let database: UInt32
    /// Whether its links use TLS.
    public let usesTLS: Bool
    /// A file with the password, read for each connection attempt; nil if the URL has a password or none is needed.
    public var passwordFile: String?
    /// How channels of a cluster are subscribed and published to.
    public var clusterPubSub = ClusterPubSub.sharded

    /// Parses a URL of one of these forms.
    ///
    /// - `redis://[user:password@]host[:port][/database]`
    /// - `redis+unix://[user:password@]/path[?db=database]`
    /// - `redis+sentinel://[user:password@]host[:port],host…/master[/database]`
    /// - `redis+cluster://[user:password@]host[:port],host…`
    ///
    /// `rediss` instead of `redis` means TLS. User, password and path may contain percent-encoded bytes; IPv6 addresses
    /// are written in brackets.
    public init(parsing url: String) throws(RedisURLViolation) {
        let parts = try RedisURL(parsing: url)
        (user, password) = (parts.user, parts.password)
        switch parts.scheme {
        case "redis", "rediss":
            guard let server = try parts.servers(defaultPort: 6379).first, !parts.hosts.contains(",") else {
                throw .badHost
            }
            topology = .single(server)
            database = try parts.database(parts.path)
        case "redis+unix":
            (topology, database) = try parts.unixSocket()
        case "redis+sentinel", "rediss+sentinel":
            let pieces = parts.path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let name = pieces.first.map(String.init) ?? ""
            guard !name.isEmpty else { throw .missingMaster }
            topology = .sentinel(try parts.servers(defaultPort: 26379), master: try RedisURL.decode(name[...]))
            database = pieces.count == 2 ? try parts.database(pieces[1]) : 0
        case "redis+cluster", "rediss+cluster":
            topology = .cluster(try parts.servers(defaultPort: 6379))
            database = try parts.database(parts.path)
            guard database == 0 else { throw .clusterHasNoDatabases }
        default: throw .unknownScheme(parts.scheme)
        }
        usesTLS = parts.scheme.hasPrefix("rediss")
    }

    /// Whether it is one server without TLS.
    public var isOnePlainServer: Bool {
        if case .single = topology { !usesTLS } else { false }
    }

    /// Whether channels are spread over the shards of a cluster.
    public var isSharded: Bool {
        if case .cluster = topology { clusterPubSub == .sharded } else { false }
    }

    /// Whether it is a cluster of which each server gets every message.
    public var isPlainCluster: Bool {
        if case .cluster = topology { clusterPubSub == .plain } else { false }
    }

    /// The servers in the URL.
    var servers: [RedisServer] {
        switch topology {
        case .single(let server): [server]
        case .sentinel(let servers, _), .cluster(let servers): servers
        }
    }

    /// Whether the URL contains a password.
    public var hasPassword: Bool { password != nil }

    /// What is wrong with the password (a user without one, or an unreadable file); nil if nothing is.
    public var passwordProblem: String? {
        if user != nil, password == nil, passwordFile == nil { return "a user needs a password" }
        do throws(RedisLinkFailure) {
            _ = try login.steps()
            return nil
        } catch {
            return error.reason
        }
    }

    /// The login of a link that subscribes.
    ///
    /// It needs a master, because a Sentinel may not know yet that another server has taken over.
    var subscriberLogin: RedisLogin {
        var login = login
        if case .sentinel = topology { login.needsMaster = true }
        return login
    }

    /// The login of a link that publishes.
    ///
    /// In a cluster a message reaches all servers (or those of its shard) wherever it is published.
    var publisherLogin: RedisLogin {
        var login = login
        if case .cluster = topology {} else { login.needsMaster = true }
        return login
    }

    /// The login of a link to a server.
    var login: RedisLogin {
        RedisLogin(user: user, password: password, passwordFile: passwordFile, database: database)
    }
}

/// How channels of a cluster are subscribed and published to.
public enum ClusterPubSub: String, CaseIterable, Sendable {
    /// SSUBSCRIBE and SPUBLISH: each channel belongs to a shard, which spreads the load.
    case sharded
    /// SUBSCRIBE and PUBLISH: every server of the cluster gets every message.
    case plain

    /// The command that publishes.
    var publishCommand: String { self == .sharded ? "SPUBLISH" : "PUBLISH" }
}

/// A Redis server.
enum RedisServer: Sendable, Hashable {
    case tcp(host: String, port: UInt16)
    case unix(path: String)
}

extension RedisServer: CustomStringConvertible {
    var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

extension RedisEndpoint: CustomStringConvertible, CustomDebugStringConvertible {
    /// The URL without the password.
    public var description: String {
        let login = password == nil ? "" : "\(user ?? ""):***@"
        let scheme = usesTLS ? "rediss" : "redis"
        let path = database == 0 ? "" : "/\(database)"
        switch topology {
        case .single(.unix(let path)):
            return "redis+unix://\(login)\(path)\(database == 0 ? "" : "?db=\(database)")"
        case .single(let server): return "\(scheme)://\(login)\(server)\(path)"
        case .sentinel(let servers, let master):
            return "\(scheme)+sentinel://\(login)\(RedisEndpoint.list(servers))/\(master)\(path)"
        case .cluster(let servers): return "\(scheme)+cluster://\(login)\(RedisEndpoint.list(servers))"
        }
    }

    /// Like `description`, because a password must not reach a log through a debug print.
    public var debugDescription: String { description }

    private static func list(_ servers: [RedisServer]) -> String {
        servers.map(\.description).joined(separator: ",")
    }
}
