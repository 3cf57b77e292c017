import ArgumentParser

/// The options of bench as they are written; `BenchPlan` is made of them.
struct BenchOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Where the WebSockets are: ws://HOST[:PORT][/PATH], or wss: (default ws://127.0.0.1:8081/ws).",
            valueName: "url"))
    var url: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "For wss: trust the certificate authorities in this PEM file (default: the system's).", valueName: "file"))
    var tlsCa: String?

    @Option(
        name: [.long, .customShort("c")], parsing: .unconditional,
        help: ArgumentHelp("Subscribers (default 100).", valueName: "n"))
    var connections: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Channels that the subscribers are spread over (default 1).", valueName: "n"))
    var channels: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What channel names begin with, before a random number and the channel's own (default bench).",
            valueName: "text"))
    var channelPrefix: String?

    @Option(
        name: [.long, .customShort("n")], parsing: .unconditional,
        help: ArgumentHelp("Publish that many messages in all, instead of for a duration.", valueName: "n"))
    var messages: String?

    @Option(
        name: [.long, .customShort("d")], parsing: .unconditional,
        help: ArgumentHelp("Time to publish for, after the warm-up (default 10s).", valueName: "time"))
    var duration: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Time at the start whose messages are counted but not measured (default 1s; with --messages 0).",
            valueName: "time"))
    var warmUp: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Size of a message (default 128, at least 32).", valueName: "size")
    )
    var size: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Publish N messages a second, whether or not the ones before have arrived (open loop).", valueName: "n"))
    var rate: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Keep N messages under way: publish one when another has arrived everywhere (closed loop; default 8).",
            valueName: "n"))
    var inFlight: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "http: POST /publish at the URL's server (default), or redis: PUBLISH.", valueName: "http|redis"))
    var publish: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Redis to publish with: redis://[user:password@]host[:port][/db] or redis+unix:///path.", valueName: "url"))
    var redis: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What stands before channel names in Redis (default push:).", valueName: "text"))
    var redisPrefix: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("Key for publishing over HTTP.", valueName: "key"))
    var publishKey: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Holds such keys, one a line; the first is used.", valueName: "file")
    )
    var publishKeyFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Subprotocol to ask for: pushd.v1, or none (default).", valueName: "name"))
    var subprotocol: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Time without an arrival after which the run ends, if something is missing (default 10s).",
            valueName: "time"))
    var patience: String?

    @Flag(help: "Print the report as one JSON object.")
    var json = false
}
