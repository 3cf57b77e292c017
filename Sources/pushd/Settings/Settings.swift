import HTTP
import Logging
import PushServer
import WSLoop

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
        try readListeners(options.listening, values)
        try readTLS(options, values)
        try readRedis(options, values)
        try readLimits(options.limits, values)
        try readRates(options.rates, values)
        try readSlowConsumers(options.slowConsumers, values)
        try readTimes(options.timeouts, values)
        try readSpeed(options.speed, values)
        try readAccess(options, values)
        try readLogs(options.logs, values)
    }

    /// What to warn about at the start.
    var warnings: [String] { exposedSecrets + unknownVariables + [narrowOutbox].compactMap(\.self) }

    /// Two of the largest messages at once are not a client's fault.
    private var narrowOutbox: String? {
        guard server.outboxLimitBytes < 2 * server.maxPublishBytes else { return nil }
        return "--outbox-limit (\(server.outboxLimitBytes)) is less than twice --max-publish "
            + "(\(server.maxPublishBytes)): two large messages at once close a client that keeps up, or cost it one of them (--slow-consumer)"
    }

    private mutating func readListeners(
        _ options: ServeOptions.Listening, _ values: OptionValues
    ) throws(SettingViolation) {
        let listen = try values.usable("--listen", options.listen, ListenAddress.init(parsing:))
        if !listen.isEmpty { server.listen = listen }
        server.admin = try values.usable("--admin", options.admin, ListenAddress.init(parsing:))
        server.pathPrefix = try values.one(
            "--path-prefix", options.pathPrefix, "a path such as /push, of letters, digits and -._~"
        ) { PathPrefix($0) }
    }

    private mutating func readTimes(
        _ options: ServeOptions.Timeouts, _ values: OptionValues
    ) throws(SettingViolation) {
        server.pingInterval = try values.seconds("--ping-interval", options.pingInterval) ?? server.pingInterval
        server.pongTimeout = try values.seconds("--pong-timeout", options.pongTimeout) ?? server.pongTimeout
        server.handshakeTimeout =
            try values.seconds("--handshake-timeout", options.handshakeTimeout) ?? server.handshakeTimeout
        server.keepAlive = try values.seconds("--keep-alive", options.keepAlive) ?? server.keepAlive
        server.drainDelay =
            try values.seconds("--drain-delay", options.drainDelay, orZero: true) ?? server.drainDelay
        server.drain = try values.seconds("--drain", options.drain, orZero: true) ?? server.drain
    }

    private mutating func readSpeed(_ options: ServeOptions.Speed, _ values: OptionValues) throws(SettingViolation) {
        server.workers = try values.number("--workers", options.workers, 1...1024) ?? resources.cores
        server.io = try values.one("--io", options.io, "auto, poll or uring") { IOMethod(rawValue: $0) } ?? server.io
        server.pacing =
            try values.one("--pacing", options.pacing, "latency, balanced or throughput") { Pacing(rawValue: $0) }
            ?? server.pacing
        server.compresses =
            try values.one("--compression", options.compression, "off or on") { ["off": false, "on": true][$0] }
            ?? server.compresses
    }

    private mutating func readLogs(_ options: ServeOptions.Logs, _ values: OptionValues) throws(SettingViolation) {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        logLevel =
            try values.one("--log-level", options.logLevel, "one of \(levels)") { Logger.Level(rawValue: $0) }
            ?? logLevel
        logFormat =
            try values.one("--log-format", options.logFormat, "text or json") { LogFormat(rawValue: $0) } ?? logFormat
    }
}
