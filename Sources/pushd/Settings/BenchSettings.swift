import Bench
import RedisBridge
import WSLoop
import WebSocket

extension BenchPlan {
    /// Makes a plan from the options.
    init(_ options: BenchOptions, _ sources: OptionSources) throws(SettingViolation) {
        self.init(url: options.url)
        try setTLS(options)
        try setSize(options)
        try setTimes(options)
        try setRoute(options, sources)
        do throws(ClientHandshake.InvalidRequest) { try check() } catch {
            throw SettingViolation(option: "url", value: "\(url)", expected: "usable: \(error.message)")
        }
    }

    private mutating func setTLS(_ options: BenchOptions) throws(SettingViolation) {
        guard url.isSecure else { return try BenchPlan.refuse("--tls-ca", options.tlsCa, "without a wss: URL") }
        do throws(TLSFailure) {
            tls = try TLSContext(client: TLSClientOptions(caFile: options.tlsCa))
        } catch {
            throw SettingViolation(option: "--tls-ca", value: options.tlsCa ?? "", expected: "usable: \(error)")
        }
    }

    private mutating func setSize(_ options: BenchOptions) throws(SettingViolation) {
        connections = options.connections
        channels = options.channels
        guard channels <= connections else {
            throw SettingViolation(
                option: "--channels", value: "\(channels)", expected: "at most --connections, which is \(connections)")
        }
        messageBytes = options.size
        channelPrefix = options.channelPrefix
        subprotocol = options.subprotocol?.rawValue
    }

    private mutating func setTimes(_ options: BenchOptions) throws(SettingViolation) {
        if let count = options.messages {
            try BenchPlan.refuse("--duration", options.duration.map(Units.text(time:)), "together with --messages")
            extent = .messages(count)
            warmUp = .zero
        } else if let duration = options.duration {
            extent = .duration(duration)
        }
        warmUp = options.warmUp ?? warmUp
        patience = options.patience
        if let rate = options.rate {
            try BenchPlan.refuse("--in-flight", options.inFlight.map { "\($0)" }, "together with --rate")
            pace = .rate(perSecond: rate)
        } else if let count = options.inFlight {
            pace = .inFlight(count)
        }
    }

    private mutating func setRoute(_ options: BenchOptions, _ sources: OptionSources) throws(SettingViolation) {
        switch options.publish {
        case .redis:
            try BenchPlan.refuse("--publish-key", "***", "together with --publish redis", sources)
            let file = options.publishKeyFile.first?.path
            try BenchPlan.refuse("--publish-key-file", file, "together with --publish redis", sources)
            route = .redis(try BenchPlan.redis(options, sources), prefix: options.redisPrefix ?? "push:")
        case .http:
            try BenchPlan.refuse("--redis", "***", "together with --publish http", sources)
            try BenchPlan.refuse("--redis-prefix", options.redisPrefix, "together with --publish http", sources)
            route = .http(key: try sources.keys("--publish-key", options.publishKey, options.publishKeyFile).first)
        }
    }

    private static func redis(
        _ options: BenchOptions, _ sources: OptionSources
    ) throws(SettingViolation) -> RedisEndpoint {
        guard let endpoint = options.redis else {
            throw SettingViolation(option: "--publish", value: "redis", expected: "possible without --redis URL")
        }
        guard endpoint.isOnePlainServer else {
            throw SettingViolation(
                option: sources.name(of: "--redis"), value: "\(endpoint)",
                expected: "one server without TLS, which is all that bench publishes through")
        }
        return endpoint
    }

    /// Refuses a value beside which the option makes no sense; one of a variable may be meant for serve.
    private static func refuse(
        _ option: String, _ value: String?, _ condition: String, _ sources: OptionSources? = nil
    ) throws(SettingViolation) {
        guard let value, sources?.isArgument(option) ?? true else { return }
        throw SettingViolation(option: option, value: value, expected: "possible \(condition)")
    }
}
