import Channels
import PushServer
import RedisBridge
import WSLoop

// The bridge to Redis.
extension Settings {
    mutating func readRedis(_ allOptions: ServeOptions, _ values: OptionValues) throws(SettingViolation) {
        let options = allOptions.redis
        server.redis = try values.redis("--redis", options.redis)
        server.redisPrefix = values.text("--redis-prefix", options.redisPrefix) ?? server.redisPrefix
        server.redisAliases =
            try values.each("--redis-map", options.redisMap, "FROM=TO") { text -> (redis: String, channel: String)? in
                guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
                let channel = String(text[text.index(after: equals)...])
                return ChannelName.isValid(channel) ? (String(text[..<equals]), channel) : nil
            } ?? server.redisAliases
        try readRedisPassword(options, values)
        try readRedisTLS(options, try Settings.records(allOptions.tls, values), values)
        try readRedisLinks(options, values)
    }

    private mutating func readRedisPassword(
        _ options: ServeOptions.Redis, _ values: OptionValues
    ) throws(SettingViolation) {
        server.redis?.passwordFile = values.text("--redis-password-file", options.redisPasswordFile)
        guard let problem = server.redis?.passwordProblem else { return }
        guard let file = server.redis?.passwordFile else {
            throw SettingViolation(
                option: values.name("--redis", options.redis), value: "***", expected: "usable: \(problem)")
        }
        throw SettingViolation(
            option: values.name("--redis-password-file", options.redisPasswordFile), value: file,
            expected: "usable: \(problem)", remedy: Settings.remedy(unreadable: file))
    }

    private mutating func readRedisLinks(
        _ options: ServeOptions.Redis, _ values: OptionValues
    ) throws(SettingViolation) {
        let kinds = ClusterPubSub.allCases.map(\.rawValue).joined(separator: " or ")
        if let kind = try values.one(
            "--redis-cluster-pubsub", options.redisClusterPubsub, kinds, { ClusterPubSub(rawValue: $0) })
        {
            server.redis?.clusterPubSub = kind
        }
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
                option: values.name("--redis-pattern", options.redisPattern.first), value: pattern.text,
                expected: "possible with sharded pub/sub (--redis-cluster-pubsub plain)")
        }
        server.readyNeedsRedis = try values.flag("--ready-needs-redis", options.readyNeedsRedis)
    }

    private mutating func readRedisTLS(
        _ options: ServeOptions.Redis, _ records: TLSRecords, _ values: OptionValues
    ) throws(SettingViolation) {
        let files = TLSClientOptions(
            caFile: values.text("--redis-ca", options.redisCa),
            certificateFile: values.text("--redis-cert", options.redisCert),
            keyFile: values.text("--redis-key", options.redisKey), records: records)
        guard let redis = server.redis, redis.usesTLS else {
            for (option, given, file) in [
                ("--redis-ca", options.redisCa, files.caFile),
                ("--redis-cert", options.redisCert, files.certificateFile),
                ("--redis-key", options.redisKey, files.keyFile),
            ] {
                guard let file else { continue }
                throw SettingViolation(
                    option: values.name(option, given), value: file, expected: "used without TLS: --redis rediss://…")
            }
            return
        }
        do throws(TLSFailure) {
            server.redisTLS = try TLSContext(client: files)
        } catch {
            let certificate = values.name("--redis-cert", options.redisCert)
            let option =
                switch error {
                case .unreadableCertificate: certificate
                case .unreadableKey, .keyDoesNotMatch, .keyWithoutCertificate:
                    "\(certificate) and \(values.name("--redis-key", options.redisKey))"
                default: values.name("--redis-ca", options.redisCa)
                }
            let named = [files.caFile, files.certificateFile, files.keyFile].compactMap { $0 }
            throw SettingViolation(
                option: option, value: named.joined(separator: ", "),
                expected: "usable: \(error)", remedy: named.lazy.compactMap { Settings.remedy(unreadable: $0) }.first)
        }
    }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        UInt64(max(duration / .milliseconds(1), 1))
    }
}
