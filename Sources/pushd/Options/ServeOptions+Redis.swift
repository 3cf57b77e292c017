import ArgumentParser
import Channels
import PushServer
import RedisBridge

extension ServeOptions {
    /// The bridge to Redis.
    struct Redis: ParsableArguments {
        @Option(
            "redis://[user:password@]host[:port][/db], rediss:// (TLS), redis+unix:///path, "
                + "redis+sentinel://host,host/master or redis+cluster://host,host", .redisURL,
            default: "none, the broker is embedded")
        var redis: RedisEndpoint?

        @Option("File with the Redis password; read for each connection", .file)
        var redisPasswordFile: String?

        @Option("Prefix of channel names in Redis", .text())
        var redisPrefix = RedisOptions().prefix

        @Option("Map a Redis channel to a channel", .alias)
        var redisMap = RedisOptions().aliases.map { RedisAlias(redis: $0.redis, channel: $0.channel) }

        @Option("Receive these channels from Redis even when no client is subscribed: 'news.*'", .channels)
        var redisPattern: [ChannelPattern] = []

        @Option("Pub/Sub of a cluster: sharded or plain", .choice("kind"))
        var redisClusterPubsub = ClusterPubSub.sharded

        @Option("Authorities (PEM) to trust for rediss://", .file, default: "the system's")
        var redisCa: String?

        @Option("Certificate to present to Redis (PEM, with its chain)", .file)
        var redisCert: String?

        @Option("Private key of that certificate (PEM)", .file, default: "in the same file")
        var redisKey: String?

        @Option("Redis must accept a connection and a login within this time", .time)
        var redisConnectTimeout = Duration.milliseconds(RedisOptions().timing.connectMilliseconds)

        @Option("Reconnect when Redis has sent nothing for this long", .time)
        var redisSilence = Duration.milliseconds(RedisOptions().timing.silenceMilliseconds)

        @Option("Tell other nodes this often that the node's members are there", .time)
        var presenceHeartbeat = defaults.presenceHeartbeat

        @Flag(help: "Answer /health/ready with 503 while Redis is not usable.")
        var readyNeedsRedis = false
    }
}
