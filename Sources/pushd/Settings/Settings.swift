import HTTP
import Logging
import PushServer
import RedisBridge
import WSLoop

/// The configuration of the daemon, made from the options and from what the machine allows.
struct Settings {
    var server = ServerConfiguration()
    /// Where Redis is; nil for the embedded broker.
    var redis: RedisEndpoint?
    var redisOptions = RedisOptions()
    /// Options with a secret on the command line.
    var exposedSecrets: [String] = []
    let logLevel: Logger.Level
    let logFormat: LogFormat
    private let unknownVariables: [String]
    /// The basis of the budgets and of the number of workers.
    let resources: SystemResources

    init(
        _ options: ServeOptions, _ sources: OptionSources, resources: SystemResources = .measure()
    ) throws(SettingViolation) {
        self.resources = resources
        logLevel = options.logs.logLevel
        logFormat = options.logs.logFormat
        unknownVariables = VariableNames.warnings(sources.environment)
        setListening(options.listening)
        try setTLS(options, sources)
        try setRedis(options, sources)
        setLimits(options.limits)
        setRates(options.rates)
        setSlowConsumers(options.slowConsumers)
        setTimeouts(options.timeouts)
        setSpeed(options.speed)
        try setTokens(options)
        try setHooks(options.hooks, sources)
        try setAccess(options, sources)
    }

    /// The warnings to log at the start.
    var warnings: [String] { exposedSecrets + unknownVariables + [narrowOutbox].compactMap(\.self) }

    /// A client must be able to receive two of the largest messages at once.
    private var narrowOutbox: String? {
        guard server.outboxLimitBytes < 2 * server.maxPublishBytes else { return nil }
        return "--outbox-limit (\(server.outboxLimitBytes)) is less than twice --max-publish "
            + "(\(server.maxPublishBytes)): two large messages at once close a client that keeps up, or cost it one of "
            + "them (--slow-consumer)"
    }

    private mutating func setListening(_ options: ServeOptions.Listening) {
        server.listen = options.listen
        server.admin = options.admin
        server.pathPrefix = options.pathPrefix
    }

    private mutating func setTimeouts(_ options: ServeOptions.Timeouts) {
        server.pingInterval = options.pingInterval
        server.pongTimeout = options.pongTimeout
        server.handshakeTimeout = options.handshakeTimeout
        server.keepAlive = options.keepAlive
        server.drainDelay = options.drainDelay
        server.drain = options.drain
    }

    private mutating func setSpeed(_ options: ServeOptions.Speed) {
        server.workers = options.workers ?? resources.cores
        server.io = options.io
        server.pacing = options.pacing
        server.compresses = options.compression == .on
    }
}
