import ArgumentParser

extension ServeOptions {
    /// The bridge to Redis.
    struct Redis: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "redis://[user:password@]host[:port][/db], rediss:// (TLS), redis+unix:///path, "
                    + "redis+sentinel://host,host/master or redis+cluster://host,host (default: none, the broker is "
                    + "embedded).", valueName: "url"))
        var redis: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Holds the Redis password; read for each connection.", valueName: "file"))
        var redisPasswordFile: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("What stands before channel names in Redis (default push:).", valueName: "text"))
        var redisPrefix: String?

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Redis channel to map by name (repeatable; default global_channel=global).", valueName: "from=to"))
        var redisMap: [String] = []

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "Channels to take from Redis whether anybody is subscribed or not: 'news.*' (repeatable).",
                valueName: "pattern"))
        var redisPattern: [String] = []

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("On a cluster: sharded (default) or plain pub/sub.", valueName: "kind"))
        var redisClusterPubsub: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Authorities that Redis' certificate must come from (PEM; default: the system's).", valueName: "file"))
        var redisCa: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Certificate to show to Redis (PEM, with its chain).", valueName: "file"))
        var redisCert: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Private key of that certificate (PEM; default: in the same file).", valueName: "file"))
        var redisKey: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Redis must take a connection and a login within this time (default 1s).", valueName: "time"))
        var redisConnectTimeout: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "A link on which Redis says nothing for so long is remade (default 15s).", valueName: "time"))
        var redisSilence: String?

        @Flag(help: "Answer /health/ready with 503 while Redis is not usable.")
        var readyNeedsRedis = false
    }
}
