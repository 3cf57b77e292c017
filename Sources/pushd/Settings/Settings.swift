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
    private let fileExposure: String?
    /// The basis of the budgets and of the number of workers.
    let resources: SystemResources

    /// What is wrong with them; all but the first for a check only.
    private(set) var violations: [SettingViolation] = []

    /// Makes the configuration; throws what is wrong with it first.
    init(
        _ options: ServeOptions, _ sources: OptionSources, resources: SystemResources = .measure()
    ) throws(SettingViolation) {
        self.init(checking: options, sources, resources: resources)
        if let violation = violations.first { throw violation }
    }

    /// Makes the configuration as far as possible, and notes what is wrong.
    init(checking options: ServeOptions, _ sources: OptionSources, resources: SystemResources = .measure()) {
        self.resources = resources
        logLevel = options.logs.logLevel
        logFormat = options.logs.logFormat
        unknownVariables = VariableNames.warnings(sources.environment)
        fileExposure = sources.file?.exposure
        setListening(options.listening)
        attempt(sources) { settings throws(SettingViolation) in try settings.setTLS(options, sources) }
        attempt(sources) { settings throws(SettingViolation) in try settings.setRedis(options, sources) }
        setLimits(options.limits)
        setRates(options.rates)
        setSlowConsumers(options.slowConsumers)
        setTimeouts(options.timeouts)
        setSpeed(options.speed)
        attempt(sources) { settings throws(SettingViolation) in try settings.setTokens(options) }
        attempt(sources) { settings throws(SettingViolation) in try settings.setHooks(options.hooks, sources) }
        attempt(sources) { settings throws(SettingViolation) in try settings.setAccess(options, sources) }
    }

    /// Notes what is wrong in a step, under the name that the user gave the option.
    mutating func attempt(
        _ sources: OptionSources, _ step: (inout Settings) throws(SettingViolation) -> Void
    ) {
        do throws(SettingViolation) {
            try step(&self)
        } catch {
            violations.append(
                SettingViolation(
                    option: sources.name(of: error.option), reason: error.reason, position: error.position))
        }
    }

    /// The warnings to log at the start.
    var warnings: [String] { exposedSecrets + unknownVariables + [fileExposure, narrowOutbox].compactMap(\.self) }

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
