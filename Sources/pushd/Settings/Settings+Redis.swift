import Channels
import PushServer
import RedisBridge
import WSLoop

// The bridge to Redis.
extension Settings {
    mutating func setRedis(_ options: ServeOptions, _ sources: OptionSources) throws(SettingViolation) {
        let redis = options.redis
        server.redis = redis.redis
        server.redis?.clusterPubSub = redis.redisClusterPubsub
        server.redisPrefix = redis.redisPrefix
        server.redisAliases = redis.redisMap.map { ($0.redis, $0.channel) }
        server.redisPatterns = redis.redisPattern
        server.redisTiming.connectMilliseconds = Settings.milliseconds(redis.redisConnectTimeout)
        server.redisTiming.silenceMilliseconds = Settings.milliseconds(redis.redisSilence)
        server.readyNeedsRedis = redis.readyNeedsRedis
        try setRedisPassword(redis, sources)
        try setRedisTLS(redis, options.tls.tlsRecords, sources)
        if let pattern = redis.redisPattern.first, server.redis?.isSharded == true {
            throw SettingViolation(
                option: sources.name(of: "--redis-pattern"), value: pattern.text,
                expected: "possible with sharded pub/sub (--redis-cluster-pubsub plain)")
        }
    }

    private mutating func setRedisPassword(
        _ options: ServeOptions.Redis, _ sources: OptionSources
    ) throws(SettingViolation) {
        server.redis?.passwordFile = options.redisPasswordFile
        guard let problem = server.redis?.passwordProblem else { return }
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
        guard let redis = server.redis, redis.usesTLS else {
            guard let (option, file) = files.first else { return }
            throw SettingViolation(
                option: sources.name(of: option), value: file, expected: "used without TLS: --redis rediss://…")
        }
        do throws(TLSFailure) {
            server.redisTLS = try TLSContext(
                client: TLSClientOptions(
                    caFile: options.redisCa, certificateFile: options.redisCert, keyFile: options.redisKey,
                    records: records))
        } catch {
            throw SettingViolation(
                option: Settings.redisOptions(wrongFor: error).map(sources.name(of:)).joined(separator: " and "),
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
