import ArgumentParser
import Bench
import PushServer
import RedisBridge
import WebSocket

/// The options of bench; `BenchPlan` is made of them.
struct BenchOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Where the WebSockets are: ws://HOST[:PORT][/PATH], or wss: (default: \(BenchOptions.defaults.url)).",
            valueName: "url"),
        transform: ValueSyntax<WebSocketURL>.webSocketURL.parse)
    var url = BenchOptions.defaults.url

    @Option("For wss: trust the certificate authorities in this PEM file", .file, default: "the system's")
    var tlsCa: String?

    @Option("Subscribers", .number(1...10_000_000), name: [.long, .customShort("c")])
    var connections = BenchOptions.defaults.connections

    @Option("Channels that the subscribers are spread over", .number(1...10_000_000))
    var channels = BenchOptions.defaults.channels

    @Option("Prefix of channel names, before a random number and the channel's own", .channelPrefix)
    var channelPrefix = BenchOptions.defaults.channelPrefix

    @Option(
        "Publish that many messages in all, instead of for a duration", .number(1...Int.max),
        name: [.long, .customShort("n")])
    var messages: Int?

    @Option(
        "Time to publish for, after the warm-up", .time, default: "10s", name: [.long, .customShort("d")])
    var duration: Duration?

    @Option(
        "Time at the start whose messages are counted but not measured", .timeOrZero,
        default: "1s; with --messages 0")
    var warmUp: Duration?

    @Option("Size of a message, at least 32", .size(BenchPlan.minimumMessageBytes...BenchOptions.largestMessageBytes))
    var size = BenchOptions.defaults.messageBytes

    @Option(
        "Publish N messages a second, whether or not the ones before have arrived (open loop)",
        .decimal(0.001...1e7, "a number from 0.001 to 10000000"))
    var rate: Double?

    @Option(
        "Keep N messages under way: publish one when another has arrived everywhere (closed loop)",
        .number(1...1_000_000), default: "8")
    var inFlight: Int?

    @Option("http: POST /publish at the URL's server, or redis: PUBLISH", .choice("http|redis"))
    var publish = Publishing.http

    @Option(
        "Redis to publish with: redis://[user:password@]host[:port][/db] or redis+unix:///path", .redisURL)
    var redis: RedisEndpoint?

    @Option("Prefix of channel names in Redis", .text(), default: RedisOptions().prefix)
    var redisPrefix: String?

    @Option("Key for publishing over HTTP; the first is used", .key)
    var publishKey: [String] = []

    @Option("File with such keys, one per line", .keyFile)
    var publishKeyFile: [KeyFile] = []

    @Option("Subprotocol to ask for: pushd.v1", .choice("name"), default: "none")
    var subprotocol: Subprotocol?

    @Option("Time without an arrival after which the run ends, if something is missing", .time)
    var patience = BenchOptions.defaults.patience

    @Flag(help: "Print the report as one JSON object.")
    var json = false

    /// How messages are published.
    enum Publishing: String, CaseIterable {
        case http, redis
    }

    /// A subprotocol of WebSocket.
    enum Subprotocol: String, CaseIterable {
        case envelope = "pushd.v1"
    }

    static let defaults = BenchPlan(url: WebSocketURL(host: "127.0.0.1", port: 8081, target: "/ws"))
    /// The largest message size; servers accept far less by default.
    static let largestMessageBytes = 64 << 20

    /// The options that are read from serve's variables, because other users of the machine can see a command line.
    static let catalogue = OptionCatalogue(
        of: BenchOptions(), only: ["--redis", "--redis-prefix", "--publish-key", "--publish-key-file"])
}
