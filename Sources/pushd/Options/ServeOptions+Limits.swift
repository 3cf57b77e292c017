import ArgumentParser

extension ServeOptions {
    /// What all clients together may take; `:dry` behind a number counts and does not enforce it.
    struct Limits: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Most WebSockets; past it 503 (default: from the descriptor limit).", valueName: "n"))
        var maxConnections: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("WebSockets opened per second; past it 503 (default: unlimited).", valueName: "n"))
        var maxConnectRate: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Largest published message; past it 413 (default 1MiB).", valueName: "size"))
        var maxPublish: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Bytes that all clients make the server hold on their way in (default: an eighth of memory).",
                valueName: "size"))
        var inboundBudget: String?
    }

    /// What one client may take.
    struct Rates: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Largest message from a client; past it 1009 (default 64KiB).", valueName: "size"))
        var maxMessage: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Frames and requests a client may send per second; past it :close (4429), :error or :pause (default "
                    + "50000:pause; any for unlimited).", valueName: "n"))
        var maxMessageRate: String?

        @Option(parsing: .unconditional, help: ArgumentHelp("Channels per connection (default 128).", valueName: "n"))
        var maxChannels: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("WebSockets opened per second from one address (default: unlimited).", valueName: "n"))
        var maxConnectRatePerAddress: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Open WebSockets from one address (default: unlimited).", valueName: "n"))
        var maxConnectionsPerAddress: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Open sockets of one address, whatever they speak; an IPv6 /64 is one address (default: unlimited).",
                valueName: "n"))
        var maxSocketsPerAddress: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Open WebSockets of one user_id (default: unlimited).", valueName: "n"))
        var maxConnectionsPerUser: String?
    }

    /// Clients that do not keep up.
    struct SlowConsumers: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Bytes queued for one connection, a strict limit (default 4MiB, or twice --max-publish).",
                valueName: "size"))
        var outboxLimit: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Bytes queued for all connections (default: a quarter of memory).", valueName: "size"))
        var outboxBudget: String?

        @Option(
            parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                "For clients that do not keep up: disconnect (default), drop-oldest, drop-newest or conflate; or for the "
                    + "channels of a pattern: 'ticker.*=conflate' (repeatable).", valueName: "policy"))
        var slowConsumer: [String] = []

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "A client that has taken nothing of its queue for so long is disconnected (default 30s).",
                valueName: "time"))
        var stallTimeout: String?
    }
}
