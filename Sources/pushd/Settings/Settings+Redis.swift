import Channels
import PushServer
import RedisBridge
import WSLoop

// The bridge to Redis.
extension Settings {
    mutating func setRedis(_ options: ServeOptions, _ sources: OptionSources) throws(SettingViolation) {
        let redis = options.redis
        self.redis = redis.redis
        self.redis?.clusterPubSub = redis.redisClusterPubsub
        redisOptions.prefix = redis.redisPrefix
        redisOptions.aliases = redis.redisMap.map { ($0.redis, $0.channel) }
        redisOptions.patterns = redis.redisPattern.map(\.wildcard)
        redisOptions.timing.connectMilliseconds = Settings.milliseconds(redis.redisConnectTimeout)
        redisOptions.timing.silenceMilliseconds = Settings.milliseconds(redis.redisSilence)
        server.readyNeedsBroker = redis.readyNeedsRedis
        server.presenceHeartbeat = redis.presenceHeartbeat
        try setRedisPassword(redis, sources)
        try setRedisTLS(redis, options.tls.tlsRecords, sources)
        if let pattern = redis.redisPattern.first, self.redis?.isSharded == true {
            throw SettingViolation(
                option: sources.name(of: "--redis-pattern"), value: pattern.text,
                expected: "possible with sharded pub/sub (--redis-cluster-pubsub plain)")
        }
        if let endpoint = self.redis { server.broker = .redis(endpoint, redisOptions) }
    }

    private mutating func setRedisPassword(
        _ options: ServeOptions.Redis, _ sources: OptionSources
    ) throws(SettingViolation) {
        redis?.passwordFile = options.redisPasswordFile
        guard let problem = redis?.passwordProblem else { return }
        guard let file = options.redisPasswordFile else {
            throw SettingViolation(option: sources.name(of: "--redis"), value: "***", expected: "usable: \(problem)")
        }
        throw SettingViolation(
            option: sources.name(of: "--redis-password-file"), value: file, expected: "usable: \(problem)",
            remedy: Settings.remedy(unreadable: file))
    }

    private mutating func setRedisTLS(
        _ options: ServeOptions.Redis, _ records: TLSRecords, _ sources: OptionSources
    ) throws(SettingViolation) {
        let files = [
            ("--redis-ca", options.redisCa), ("--redis-cert", options.redisCert), ("--redis-key", options.redisKey),
        ].compactMap { option, file in file.map { (option: option, file: $0) } }
        guard let redis, redis.usesTLS else {
            guard let (option, file) = files.first else { return }
            throw SettingViolation(
                option: sources.name(of: option), value: file, expected: "used without TLS: --redis rediss://…")
        }
        do throws(TLSFailure) {
            redisOptions.tls = try TLSContext(
                client: TLSClientOptions(
                    caFile: options.redisCa, certificateFile: options.redisCert, keyFile: options.redisKey,
                    records: records))
        } catch {
            throw SettingViolation(
                option: Settings.redisOptions(wrongFor: error).map { sources.name(of: $0) }.joined(separator: " and "),
                value: files.map(\.file).joined(separator: ", "), expected: "usable: \(error)",
                remedy: files.lazy.compactMap { Settings.remedy(unreadable: $0.file) }.first)
        }
    }

    private static func redisOptions(wrongFor failure: TLSFailure) -> [String] {
        switch failure {
        case .unreadableCertificate: ["--redis-cert"]
        case .unreadableKey, .keyDoesNotMatch, .keyWithoutCertificate: ["--redis-cert", "--redis-key"]
        default: ["--redis-ca"]
        }
    }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        UInt64(max(duration / .milliseconds(1), 1))
    }
}
