import Channels
import HTTP
import Logging
import PushServer
import RedisBridge
import WSLoop

/// A value that an option cannot have.
struct SettingViolation: Error, CustomStringConvertible {
    let option: String
    let value: String
    let expected: String

    var description: String { "\(option): '\(value)' is not \(expected)" }
}

/// What the daemon is to do: the command line wins over the environment, which wins over the defaults.
struct Settings {
    var server = ServerConfiguration()
    /// Secrets among the arguments.
    var exposedSecrets: [String] = []
    private(set) var logLevel = Logger.Level.info
    private(set) var logFormat = LogFormat.text
    private let unknownVariables: [String]
    /// What the budgets and the number of workers are taken from.
    let resources: SystemResources

    init(
        _ options: ServeOptions, environment: [String: String], resources: SystemResources = .measure()
    ) throws(SettingViolation) {
        self.resources = resources
        unknownVariables = VariableNames.warnings(environment)
        let values = OptionValues(environment: environment)
        server.listen = try values.addresses("--listen", options.listen) ?? server.listen
        server.admin = try values.addresses("--admin", options.admin) ?? []
        try readTLS(options, values)
        try readRedis(options, values)
        try readLimits(options, values)
        try readTimes(options, values)
        server.io = try values.one("--io", options.io, "auto, poll or uring") { IOMethod(rawValue: $0) } ?? server.io
        server.pacing =
            try values.one("--pacing", options.pacing, "latency, balanced or throughput") { Pacing(rawValue: $0) }
            ?? server.pacing
        server.compresses =
            try values.one("--compression", options.compression, "off or on") { ["off": false, "on": true][$0] }
            ?? server.compresses
        server.pathPrefix = try values.one(
            "--path-prefix", options.pathPrefix, "a path such as /push, of letters, digits and -._~"
        ) { PathPrefix($0) }
        try readAccess(options, values)
        logLevel =
            try values.one("--log-level", options.logLevel, "a log level") { Logger.Level(rawValue: $0) } ?? logLevel
        logFormat =
            try values.one("--log-format", options.logFormat, "text or json") { LogFormat(rawValue: $0) } ?? logFormat
    }

    /// What to warn about at the start.
    var warnings: [String] { exposedSecrets + unknownVariables + [narrowOutbox].compactMap(\.self) }

    /// Two of the largest messages at once are not a client's fault.
    private var narrowOutbox: String? {
        guard server.outboxLimitBytes < 2 * server.maxPublishBytes else { return nil }
        return "--outbox-limit (\(server.outboxLimitBytes)) is less than twice --max-publish "
            + "(\(server.maxPublishBytes)): two large messages at once close a client that keeps up, or cost it one of them (--slow-consumer)"
    }

    private mutating func readTLS(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        let certificates = try values.each("--tls-cert", options.tlsCert, "a file") { $0 } ?? []
        let keys = try values.each("--tls-key", options.tlsKey, "a file") { $0 } ?? []
        let clientCA = values.text("--tls-client-ca", options.tlsClientCa)
        if certificates.count > keys.count {
            throw SettingViolation(
                option: "--tls-cert", value: certificates.last ?? "",
                expected: "usable without --tls-key, its private key")
        }
        if keys.count > certificates.count {
            throw SettingViolation(
                option: "--tls-key", value: keys.last ?? "", expected: "usable without --tls-cert, its certificate")
        }
        guard !certificates.isEmpty else {
            for (option, addresses) in [("--listen", server.listen), ("--admin", server.admin)] {
                guard let address = addresses.first(where: \.isSecure) else { continue }
                throw SettingViolation(
                    option: option, value: "\(address)", expected: "possible without --tls-cert and --tls-key")
            }
            guard let clientCA else { return }
            throw SettingViolation(
                option: "--tls-client-ca", value: clientCA, expected: "used without --tls-cert and --tls-key")
        }
        let identities = zip(certificates, keys).map { TLSIdentity(certificateFile: $0, keyFile: $1) }
        server.certificates = try Settings.certificates(
            TLSServerOptions(
                identities: identities, clientCAFile: clientCA, records: try Settings.records(options, values)))
        if !(server.listen + server.admin).contains(where: \.isSecure) {
            (server.listen, server.admin) = (server.listen.map(\.secured), server.admin.map(\.secured))
        }
    }

    private static func records(
        _ options: ServeOptions, _ values: OptionValues
    ) throws(SettingViolation) -> TLSRecords {
        try values.one("--tls-records", options.tlsRecords, "openssl or compact") { TLSRecords(rawValue: $0) }
            ?? .openssl
    }

    private static func certificates(_ options: TLSServerOptions) throws(SettingViolation) -> ServerCertificates {
        do throws(TLSFailure) {
            return try ServerCertificates(options)
        } catch {
            let (option, file) =
                switch error {
                case .unreadableCertificate(let file, _): ("--tls-cert", file)
                case .unreadableKey(let file, _), .keyDoesNotMatch(let file, _): ("--tls-key", file)
                default: ("--tls-client-ca", options.clientCAFile ?? "")
                }
            throw SettingViolation(option: option, value: file, expected: "usable: \(error)")
        }
    }

    private mutating func readRedisLinks(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        server.redis?.passwordFile = values.text("--redis-password-file", options.redisPasswordFile)
        if let problem = server.redis?.passwordProblem {
            let file = server.redis?.passwordFile
            throw SettingViolation(
                option: file == nil ? "--redis" : "--redis-password-file", value: file ?? "***",
                expected: "usable: \(problem)")
        }
        let kinds = ClusterPubSub.allCases.map(\.rawValue).joined(separator: " or ")
        if let kind = try values.one(
            "--redis-cluster-pubsub", options.redisClusterPubsub, kinds, { ClusterPubSub(rawValue: $0) })
        {
            server.redis?.clusterPubSub = kind
        }
        try readRedisTLS(options, values)
        if let timeout = try values.seconds("--redis-connect-timeout", options.redisConnectTimeout) {
            server.redisTiming.connectMilliseconds = Settings.milliseconds(timeout)
        }
        if let silence = try values.seconds("--redis-silence", options.redisSilence) {
            server.redisTiming.silenceMilliseconds = Settings.milliseconds(silence)
        }
        server.redisPatterns =
            try values.each("--redis-pattern", options.redisPattern, "a pattern of channel names") {
                ChannelPattern($0)
            } ?? []
        if let pattern = server.redisPatterns.first, server.redis?.isSharded == true {
            throw SettingViolation(
                option: "--redis-pattern", value: pattern.text,
                expected: "possible with sharded pub/sub (--redis-cluster-pubsub plain)")
        }
        server.readyNeedsRedis = try values.flag("--ready-needs-redis", options.readyNeedsRedis)
    }

    private mutating func readRedisTLS(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        let files = TLSClientOptions(
            caFile: values.text("--redis-ca", options.redisCa),
            certificateFile: values.text("--redis-cert", options.redisCert),
            keyFile: values.text("--redis-key", options.redisKey), records: try Settings.records(options, values))
        guard let redis = server.redis, redis.usesTLS else {
            for (option, file) in [
                ("--redis-ca", files.caFile), ("--redis-cert", files.certificateFile), ("--redis-key", files.keyFile),
            ] {
                guard let file else { continue }
                throw SettingViolation(option: option, value: file, expected: "used without TLS: --redis rediss://…")
            }
            return
        }
        do throws(TLSFailure) {
            server.redisTLS = try TLSContext(client: files)
        } catch {
            let option =
                switch error {
                case .unreadableCertificate: "--redis-cert"
                case .unreadableKey, .keyDoesNotMatch, .keyWithoutCertificate: "--redis-cert and --redis-key"
                default: "--redis-ca"
                }
            let value = [files.caFile, files.certificateFile, files.keyFile].compactMap { $0 }.joined(separator: ", ")
            throw SettingViolation(option: option, value: value, expected: "usable: \(error)")
        }
    }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        UInt64(max(duration / .milliseconds(1), 1))
    }

    private mutating func readRedis(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        server.redis = try values.redis("--redis", options.redis)
        server.redisPrefix = values.text("--redis-prefix", options.redisPrefix) ?? server.redisPrefix
        server.redisAliases =
            try values.each("--redis-map", options.redisMap, "FROM=TO") { text -> (redis: String, channel: String)? in
                guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
                let channel = String(text[text.index(after: equals)...])
                return ChannelName.isValid(channel) ? (String(text[..<equals]), channel) : nil
            } ?? server.redisAliases
        try readRedisLinks(options, values)
    }

    private mutating func readLimits(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        server.workers = try values.number("--workers", options.workers, 1...1024) ?? resources.cores
        server.maxConnections = try values.limit("--max-connections", options.maxConnections, 1...Int.max)
        server.maxMessageBytes =
            try values.number("--max-message", options.maxMessage, 1...(1 << 30)) ?? server.maxMessageBytes
        server.maxPublishBytes =
            try values.number("--max-publish", options.maxPublish, 1...(1 << 30)) ?? server.maxPublishBytes
        server.maxChannels = try values.limit("--max-channels", options.maxChannels, 1...65_536) ?? server.maxChannels
        server.outboxLimitBytes =
            try values.number("--outbox-limit", options.outboxLimit, 1...Int.max)
            ?? max(server.outboxLimitBytes, 2 * server.maxPublishBytes)
        server.outboxBudgetBytes =
            try values.number("--outbox-budget", options.outboxBudget, 1...Int.max)
            ?? resources.memoryBytes / 4
        server.inboundBudgetBytes =
            try values.number("--inbound-budget", options.inboundBudget, 1...Int.max)
            ?? resources.memoryBytes / 8
        try readSlowConsumers(options, values)
        try readRates(options, values)
    }

    /// Far more than a client needs, and a fraction of a core.
    private static let defaultMessageRate: (Limit?, RateExcess) = (50_000, .pause)

    private mutating func readRates(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        let excesses = RateExcess.allCases.map(\.rawValue).joined(separator: " or ")
        let rate = try values.one(
            "--max-message-rate", options.maxMessageRate, "a whole number from 1, and :\(excesses), and :dry; or any"
        ) {
            text -> (Limit?, RateExcess)? in
            if text == "any" { return (nil, .close) }
            let (text, isEnforced) = OptionValues.withoutDry(text)
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let number = Int(parts[0]), number > 0, number <= UInt32.max else { return nil }
            let limit = Limit(number, isEnforced: isEnforced)
            guard parts.count == 2 else { return (limit, .close) }
            return RateExcess(rawValue: String(parts[1])).map { (limit, $0) }
        }
        (server.maxMessageRate, server.rateExcess) = rate ?? Settings.defaultMessageRate
        server.admission.opensPerSecond = try values.limit("--max-connect-rate", options.maxConnectRate, 1...Int.max)
        server.admission.opensPerSecondOfAddress = try values.limit(
            "--max-connect-rate-per-address", options.maxConnectRatePerAddress, 1...Int.max)
        server.admission.connectionsOfAddress = try values.limit(
            "--max-connections-per-address", options.maxConnectionsPerAddress, 1...Int.max)
        server.maxSocketsOfAddress = try values.limit(
            "--max-sockets-per-address", options.maxSocketsPerAddress, 1...Int.max)
        server.admission.connectionsOfUser = try values.limit(
            "--max-connections-per-user", options.maxConnectionsPerUser, 1...Int.max)
    }

    /// `POLICY` for all channels, `PATTERN=POLICY` for some: the first pattern that matches decides.
    private mutating func readSlowConsumers(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        let policies = SlowConsumerPolicy.allCases.map(\.rawValue).joined(separator: ", ")
        let rules = try values.each("--slow-consumer", options.slowConsumer, "[PATTERN=]POLICY, one of \(policies)") {
            text -> (pattern: ChannelPattern?, policy: SlowConsumerPolicy)? in
            // A channel's name may have an equals sign, a policy has none.
            guard let equals = text.lastIndex(of: "=") else {
                return SlowConsumerPolicy(rawValue: text).map { (nil, $0) }
            }
            guard let pattern = ChannelPattern(String(text[..<equals])),
                let policy = SlowConsumerPolicy(rawValue: String(text[text.index(after: equals)...]))
            else { return nil }
            return (pattern, policy)
        }
        for rule in rules ?? [] {
            if let pattern = rule.pattern {
                server.slowConsumers.rules.append(SlowConsumerPolicies.Rule(pattern, rule.policy))
            } else {
                server.slowConsumers.otherwise = rule.policy
            }
        }
    }

    private mutating func readTimes(_ options: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        server.pingInterval = try values.seconds("--ping-interval", options.pingInterval) ?? server.pingInterval
        server.pongTimeout = try values.seconds("--pong-timeout", options.pongTimeout) ?? server.pongTimeout
        server.stallTimeout = try values.seconds("--stall-timeout", options.stallTimeout) ?? server.stallTimeout
        server.handshakeTimeout =
            try values.seconds("--handshake-timeout", options.handshakeTimeout) ?? server.handshakeTimeout
        server.keepAlive = try values.seconds("--keep-alive", options.keepAlive) ?? server.keepAlive
        server.drainDelay =
            try values.seconds("--drain-delay", options.drainDelay, orZero: true) ?? server.drainDelay
        server.drain = try values.seconds("--drain", options.drain, orZero: true) ?? server.drain
    }
}
