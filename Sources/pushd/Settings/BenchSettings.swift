import Bench
import Channels
import RedisBridge
import WSLoop
import WebSocket

extension BenchPlan {
    private static let defaultURL = "ws://127.0.0.1:8081/ws"
    /// What a message may be at most; servers take far less by default.
    private static let largestMessageBytes = 64 << 20

    /// Reads the options; some have variables, since a command line is visible to other users of the machine.
    init(_ options: BenchOptions, environment: [String: String]) throws(SettingViolation) {
        let text = options.url ?? BenchPlan.defaultURL
        guard let url = WebSocketURL(parsing: text), !url.host.isEmpty, !url.target.contains("#") else {
            throw SettingViolation(
                option: "url", value: text, expected: "ws://HOST[:PORT][/PATH], or wss:",
                remedy: WebSocketURL.meant(by: text).map { "write \($0)" })
        }
        self.init(url: url)
        let values = OptionValues(environment: [:])
        try readTLS(options)
        try readSize(options, values)
        try readTimes(options, values)
        try readRoute(options, values, OptionValues(environment: environment))
        do throws(ClientHandshake.InvalidRequest) { try check() } catch {
            throw SettingViolation(option: "url", value: text, expected: "usable: \(error.message)")
        }
    }

    private mutating func readTLS(_ options: BenchOptions) throws(SettingViolation) {
        guard url.isSecure else {
            guard let file = options.tlsCa else { return }
            throw SettingViolation(option: "--tls-ca", value: file, expected: "possible without a wss: URL")
        }
        do throws(TLSFailure) {
            tls = try TLSContext(client: TLSClientOptions(caFile: options.tlsCa))
        } catch {
            throw SettingViolation(option: "--tls-ca", value: options.tlsCa ?? "", expected: "usable: \(error)")
        }
    }

    private mutating func readSize(_ options: BenchOptions, _ values: OptionValues) throws(SettingViolation) {
        connections = try values.number("--connections", options.connections, 1...10_000_000) ?? connections
        channels = try values.number("--channels", options.channels, 1...10_000_000) ?? channels
        guard channels <= connections else {
            throw SettingViolation(
                option: "--channels", value: "\(channels)", expected: "at most --connections, which is \(connections)")
        }
        messageBytes =
            try values.bytes("--size", options.size, BenchPlan.minimumMessageBytes...BenchPlan.largestMessageBytes)
            ?? messageBytes
        channelPrefix =
            try values.one("--channel-prefix", options.channelPrefix, "the beginning of a channel's name") {
                ChannelName.isValid("\($0)-\(RunID())-\(Int.max)") ? $0 : nil
            } ?? channelPrefix
        subprotocol =
            try values.one("--subprotocol", options.subprotocol, "pushd.v1") { $0 == "pushd.v1" ? $0 : nil }
    }

    private mutating func readTimes(_ options: BenchOptions, _ values: OptionValues) throws(SettingViolation) {
        if let count = try values.number("--messages", options.messages, 1...Int.max) {
            try BenchPlan.refuse("--duration", options.duration, with: "--messages")
            extent = .messages(count)
            warmUp = .zero
        } else if let duration = try values.seconds("--duration", options.duration) {
            extent = .duration(duration)
        }
        warmUp = try values.seconds("--warm-up", options.warmUp, orZero: true) ?? warmUp
        patience = try values.seconds("--patience", options.patience) ?? patience
        let rate = try values.one("--rate", options.rate, "a number from 0.001 to 10000000") { text in
            Double(text).flatMap { (0.001...1e7).contains($0) ? $0 : nil }
        }
        if let rate {
            try BenchPlan.refuse("--in-flight", options.inFlight, with: "--rate")
            pace = .rate(perSecond: rate)
        } else if let count = try values.number("--in-flight", options.inFlight, 1...1_000_000) {
            pace = .inFlight(count)
        }
    }

    private mutating func readRoute(
        _ options: BenchOptions, _ values: OptionValues, _ secrets: OptionValues
    ) throws(SettingViolation) {
        let known = ["http": false, "redis": true]
        if try values.one("--publish", options.publish, "http or redis", { known[$0] }) ?? false {
            try BenchPlan.refuse("--publish-key", options.publishKey.map { _ in "***" }, with: "--publish redis")
            try BenchPlan.refuse("--publish-key-file", options.publishKeyFile, with: "--publish redis")
            guard let endpoint = try secrets.redis("--redis", options.redis) else {
                throw SettingViolation(option: "--publish", value: "redis", expected: "possible without --redis URL")
            }
            guard endpoint.isOnePlainServer else {
                throw SettingViolation(
                    option: secrets.name("--redis", options.redis), value: "\(endpoint)",
                    expected: "one server without TLS, which is all that bench publishes through")
            }
            route = .redis(endpoint, prefix: secrets.text("--redis-prefix", options.redisPrefix) ?? "push:")
        } else {
            try BenchPlan.refuse("--redis", options.redis.map { _ in "***" }, with: "--publish http")
            try BenchPlan.refuse("--redis-prefix", options.redisPrefix, with: "--publish http")
            let keys = try secrets.keys(
                "--publish-key", options.publishKey.map { [$0] } ?? [],
                files: options.publishKeyFile.map { [$0] } ?? [])
            route = .http(key: keys.first)
        }
    }

    private static func refuse(_ option: String, _ value: String?, with other: String) throws(SettingViolation) {
        guard let value else { return }
        throw SettingViolation(option: option, value: value, expected: "possible together with \(other)")
    }
}
