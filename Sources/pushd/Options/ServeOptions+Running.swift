import ArgumentParser

extension ServeOptions {
    /// How long things may take.
    struct Timeouts: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("A request must arrive within this time (default 10s).", valueName: "time"))
        var handshakeTimeout: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("An idle HTTP connection is kept for so long (default 75s).", valueName: "time"))
        var keepAlive: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("A silent client is pinged after this time (default 25s).", valueName: "time"))
        var pingInterval: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("A pinged client must answer within this time (default 10s).", valueName: "time"))
        var pongTimeout: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("A stop spreads its closes over this time (default 20s).", valueName: "time"))
        var drain: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Before that it is not ready and still takes clients for this time (default 0).", valueName: "time"))
        var drainDelay: String?
    }

    /// What costs CPU and what saves it.
    struct Speed: ParsableArguments {
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
                "Batching delay of busy channels: latency (none), balanced or throughput (default balanced).",
                valueName: "mode"))
        var pacing: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "permessage-deflate for clients that offer it: off (default) or on.", valueName: "off|on"))
        var compression: String?
    }

    /// What is logged, to standard error.
    struct Logs: ParsableArguments {
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "trace, debug, info, notice, warning, error or critical (default info).", valueName: "level"))
        var logLevel: String?

        @Option(parsing: .unconditional, help: ArgumentHelp("text or json (default text).", valueName: "format"))
        var logFormat: String?
    }
}
