import ArgumentParser

/// The options as they are written; `Settings` reads them, the environment and the defaults together.
struct ServeOptions: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "PORT, HOST:PORT, [::]:PORT, with tls: before it, or unix:PATH; proxy: before it for the PROXY protocol "
                + "(repeatable; default [::]:8081, both families).",
            valueName: "addr"))
    var listen: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Address of its own for /metrics and the whole /health, which are then found nowhere else (repeatable).",
            valueName: "addr"))
    var admin: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Certificate and chain (PEM) for TLS; on all TCP addresses unless some have tls: (repeatable, chosen by name).",
            valueName: "file"))
    var tlsCert: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Private key (PEM) of each certificate, in the same order.", valueName: "file"))
    var tlsKey: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Authorities (PEM) that every client must have a certificate of.", valueName: "file"))
    var tlsClientCa: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Who makes the records: openssl, or compact for little memory (default openssl).", valueName: "kind"))
    var tlsRecords: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "redis://[user:password@]host[:port][/db], rediss:// (TLS), redis+unix:///path, "
                + "redis+sentinel://host,host/master or redis+cluster://host,host (default: embedded).",
            valueName: "url"))
    var redis: String?

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
        help: ArgumentHelp("Holds the Redis password; read for each connection.", valueName: "file"))
    var redisPasswordFile: String?

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
        help: ArgumentHelp("Seconds in which Redis must take a connection and a login (default 1).", valueName: "s"))
    var redisConnectTimeout: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds without a word from Redis after which the link is remade (default 15).", valueName: "s"))
    var redisSilence: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("On a cluster: sharded (default) or plain pub/sub.", valueName: "kind"))
    var redisClusterPubsub: String?

    @Flag(help: "Answer /health/ready with 503 while Redis is not usable.")
    var readyNeedsRedis = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Event loops, one thread each (default: cores, or the CPU quota).", valueName: "n"))
    var workers: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How writes get to the kernel: uring, poll (a call for each), or auto: what it allows (default auto).",
            valueName: "method"))
    var io: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long busy channels rest between flushes: latency (never), balanced or throughput (default balanced).",
            valueName: "mode"))
    var pacing: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Most WebSockets; past it 503 (default: from the descriptor limit).", valueName: "n"))
    var maxConnections: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Largest message from a client (default 65536).", valueName: "bytes"))
    var maxMessage: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Largest published message (default 1048576).", valueName: "bytes"))
    var maxPublish: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("Channels per connection (default 128).", valueName: "n"))
    var maxChannels: String?

    @Flag(help: "Let clients publish over their WebSocket to channels they have joined.")
    var allowClientPublish = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Strict bound of bytes queued for one connection (default 4194304, or twice --max-publish).",
            valueName: "bytes"))
    var outboxLimit: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Bound of bytes queued for all connections (default: a quarter of memory).", valueName: "bytes"))
    var outboxBudget: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Bound of bytes that all clients make the server hold on their way in (default: an eighth of memory).",
            valueName: "bytes"))
    var inboundBudget: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "For clients that do not keep up: disconnect (default), drop-oldest, drop-newest or conflate; or for the "
                + "channels of a pattern: 'ticker.*=conflate' (repeatable).", valueName: "policy"))
    var slowConsumer: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds in which a client must take something of what waits for it (default 30).", valueName: "s"))
    var stallTimeout: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Frames and requests a client may send per second; past it :close (4429), :error or :pause (default 50000:pause; "
                + "any for none).",
            valueName: "n"))
    var maxMessageRate: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("WebSockets opened per second; past it 503 (default: any).", valueName: "n"))
    var maxConnectRate: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("WebSockets opened per second from one address (default: any).", valueName: "n"))
    var maxConnectRatePerAddress: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Open WebSockets from one address (default: any).", valueName: "n"))
    var maxConnectionsPerAddress: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Open sockets of one address, whatever they speak; an IPv6 /64 is one address (default: any).",
            valueName: "n"))
    var maxSocketsPerAddress: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Open WebSockets of one user_id (default: any).", valueName: "n"))
    var maxConnectionsPerUser: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seconds of silence before a ping (default 25).", valueName: "s"))
    var pingInterval: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seconds to wait for an answer to a ping (default 10).", valueName: "s"))
    var pongTimeout: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seconds in which a request must arrive (default 10).", valueName: "s"))
    var handshakeTimeout: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seconds that an idle HTTP connection is kept (default 75).", valueName: "s"))
    var keepAlive: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A path below which everything is served as well: /push.", valueName: "path"))
    var pathPrefix: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("permessage-deflate for clients that offer it: off (default) or on.", valueName: "off|on"))
    var compression: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Browsers' Origin to let in: https://example.org, https://*.example.org, null, * for all (repeatable; default: "
                + "same origin).", valueName: "origin"))
    var allowOrigin: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Name under which requests over loopback are taken, or *.domain (repeatable; addresses, localhost and the "
                + "hosts of --allow-origin always are).", valueName: "name"))
    var allowHost: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Proxy whose X-Forwarded-For, Forwarded and X-Forwarded-Proto count: an address, a range such as 10.0.0.0/8, or "
                + "unix (repeatable).", valueName: "net"))
    var trustedProxy: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Key for publishing over HTTP, needed from everywhere (repeatable; default: only this machine may publish).",
            valueName: "key"))
    var publishKey: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Holds keys for publishing, one a line (repeatable).", valueName: "file"))
    var publishKeyFile: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Key for /metrics and the whole /health, needed from everywhere (repeatable; default: only this machine, or "
                + "who reaches --admin).", valueName: "key"))
    var apiKey: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Holds such keys, one a line (repeatable).", valueName: "file"))
    var apiKeyFile: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seconds over which a stop spreads its closes (default 20).", valueName: "s"))
    var drain: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds before that in which it is not ready and still takes clients (default 0).", valueName: "s"))
    var drainDelay: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical (default info).", valueName: "level")
    )
    var logLevel: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("text or json (default text).", valueName: "format"))
    var logFormat: String?
}
