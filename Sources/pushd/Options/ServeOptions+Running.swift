import ArgumentParser
import Logging
import PushServer

extension ServeOptions {
    /// How long things may take.
    struct Timeouts: ParsableArguments {
        @Option("A request must arrive within this time", .time)
        var handshakeTimeout = defaults.handshakeTimeout

        @Option("An idle HTTP connection is kept for this long", .time)
        var keepAlive = defaults.keepAlive

        @Option("Ping a client that has been silent for this long", .time)
        var pingInterval = defaults.pingInterval

        @Option("Disconnect a pinged client that sends nothing within this time", .time)
        var pongTimeout = defaults.pongTimeout

        @Option("At a stop, spread the closes over this time", .timeOrZero)
        var drain = defaults.drain

        @Option("Time before the drain in which /health/ready is 503 and clients are still accepted", .timeOrZero)
        var drainDelay = defaults.drainDelay
    }

    /// What costs CPU and what saves it.
    struct Speed: ParsableArguments {
        @Option("Event loops, one thread each", .number(1...1024), default: "cores, or the CPU quota")
        var workers: Int?

        @Option(
            "How it writes to sockets: uring, poll (one call per write), or auto: uring where the kernel allows it",
            .choice("method"))
        var io = defaults.io

        @Option("Batching delay of busy channels: latency (none), balanced or throughput", .choice("mode"))
        var pacing = defaults.pacing

        @Option("compression for clients that offer it (WebSockets, event streams): off or on", .choice("off|on"))
        var compression = Compression.off
    }

    /// Whether clients get compression.
    enum Compression: String, CaseIterable {
        case off, on
    }

    /// What is logged, to standard error.
    struct Logs: ParsableArguments {
        @Option("trace, debug, info, notice, warning, error or critical", .choice("level"))
        var logLevel = Logger.Level.info

        @Option("text or json", .choice("format"))
        var logFormat = LogFormat.text
    }
}
