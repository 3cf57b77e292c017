import Access
import ArgumentParser
import PushServer

extension ServeOptions {
    /// What all clients together may take; `:dry` behind a number counts and does not enforce it.
    struct Limits: ParsableArguments {
        @Option(
            "Open WebSockets and event streams; further ones get 503", .limit(), default: "from the descriptor limit")
        var maxConnections: Limit?

        @Option("WebSockets and event streams opened per second; further ones get 503", .limit(), default: "unlimited")
        var maxConnectRate: Limit?

        @Option("Largest published message; a larger one gets 413", .size(1...(1 << 30)))
        var maxPublish = defaults.maxPublishBytes

        @Option(
            "Bytes that all clients together make the server hold on input", .size(), default: "an eighth of memory")
        var inboundBudget: Int?

        @Option("Bytes of all channels' histories together", .size(), default: "an eighth of memory")
        var historyBudget: Int?
    }

    /// What one client may take.
    struct Rates: ParsableArguments {
        @Option("Largest message from a client; a larger one closes the connection with 1009", .size(1...(1 << 30)))
        var maxMessage = defaults.maxMessageBytes

        /// Far more than a client needs, and a fraction of a core.
        @Option(
            "Frames and requests a client may send per second; then close (4429), error or pause; any for unlimited",
            .messageRate)
        var maxMessageRate = MessageRate(limit: 50_000, excess: .pause)

        @Option("Channels per connection", .limit(1...65_536))
        var maxChannels = defaults.maxChannels

        @Option("WebSockets and event streams opened per second from one address", .limit(), default: "unlimited")
        var maxConnectRatePerAddress: Limit?

        @Option("Open WebSockets and event streams from one address", .limit(), default: "unlimited")
        var maxConnectionsPerAddress: Limit?

        @Option(
            "Open sockets of one address, with any protocol; an IPv6 /64 is one address", .limit(),
            default: "unlimited")
        var maxSocketsPerAddress: Limit?

        @Option("Open WebSockets and event streams of one user", .limit(), default: "unlimited")
        var maxConnectionsPerUser: Limit?
    }

    /// Clients that do not keep up.
    struct SlowConsumers: ParsableArguments {
        @Option(
            "Message bytes queued for one connection, a strict limit", .size(), default: "4MiB, or twice --max-publish")
        var outboxLimit: Int?

        @Option("Message bytes queued for all connections together", .size(), default: "a quarter of memory")
        var outboxBudget: Int?

        @Option(
            "What happens at the outbox limit: disconnect, drop-oldest, drop-newest or conflate; for the channels of a "
                + "pattern: 'ticker.*=conflate'", .slowConsumer, default: "disconnect")
        var slowConsumer: [SlowConsumerRule] = []

        @Option("Disconnect a client that has read nothing from its queue for this long", .time)
        var stallTimeout = defaults.stallTimeout
    }
}
