import Access
import Bytes
import Channels
import Hooks
import Logging
import Protocols
import PushServer
import RedisBridge
import Testing
import WSLoop

@testable import pushd

/// An option with two valid values and the resulting setting.
struct SampleOption: CustomTestStringConvertible, Sendable {
    let name: String
    let values: [String]
    let read: @Sendable (Settings) -> String
    var testDescription: String { name }
    var variable: String { "PUSHD_" + name.dropFirst(2).uppercased().replacing("-", with: "_") }

    init(_ name: String, _ first: String, _ second: String, _ read: @escaping @Sendable (Settings) -> String) {
        self.name = name
        values = [first, second]
        self.read = read
    }
}

extension SampleOption {
    /// Those whose values are secrets.
    static let secrets = ["--publish-key", "--api-key"]

    static let all: [SampleOption] = [
        SampleOption("--listen", "127.0.0.1:1", "unix:/x") {
            "\($0.server.listen.map(\.description).joined(separator: ","))"
        },
        SampleOption("--redis", "redis://a:1", "redis://b:2/3") { "\($0.redis.map(\.description) ?? "")" },
        SampleOption("--redis-prefix", "a:", "b:") { $0.redisOptions.prefix },
        SampleOption("--redis-pattern", "a.*", "b.*") {
            $0.redisOptions.patterns.map(\.text).joined(separator: ",")
        },
        SampleOption("--redis-connect-timeout", "2.0", "0.5") {
            "\(Double($0.redisOptions.timing.connectMilliseconds) / 1000)"
        },
        SampleOption("--redis-silence", "6.0", "9.0") {
            "\(Double($0.redisOptions.timing.silenceMilliseconds) / 1000)"
        },
        SampleOption("--redis-map", "a=b", "c=d") {
            $0.redisOptions.aliases.map { "\($0.redis)=\($0.channel)" }.joined(separator: ",")
        },
        SampleOption("--workers", "3", "1024") { "\($0.server.workers)" },
        SampleOption("--io", "poll", "uring") { $0.server.io.rawValue },
        SampleOption("--pacing", "latency", "throughput") { $0.server.pacing.rawValue },
        SampleOption("--max-connections", "1", "9:dry") { "\($0.server.maxConnections ?? -1)" },
        SampleOption("--max-message", "1", "1073741824") { "\($0.server.maxMessageBytes)" },
        SampleOption("--max-publish", "1", "9") { "\($0.server.maxPublishBytes)" },
        SampleOption("--max-channels", "1", "65536:dry") { "\($0.server.maxChannels)" },
        SampleOption("--outbox-limit", "1", "9") { "\($0.server.outboxLimitBytes)" },
        SampleOption("--outbox-budget", "1", "9") { "\($0.server.outboxBudgetBytes)" },
        SampleOption("--inbound-budget", "1", "9") { "\($0.server.inboundBudgetBytes)" },
        SampleOption("--history-budget", "1", "9") { "\($0.server.historyBudgetBytes)" },
        SampleOption("--slow-consumer", "conflate", "drop-newest") { $0.server.slowConsumers.otherwise.rawValue },
        SampleOption("--stall-timeout", "1.0", "2.5") { seconds($0.server.stallTimeout) },
        SampleOption("--max-message-rate", "5:close", "7:error") {
            "\($0.server.maxMessageRate ?? -1):\($0.server.rateExcess)"
        },
        SampleOption("--max-connect-rate", "1", "9:dry") { "\($0.server.admission.opensPerSecond ?? -1)" },
        SampleOption("--max-connect-rate-per-address", "1:dry", "9") {
            "\($0.server.admission.opensPerSecondOfAddress ?? -1)"
        },
        SampleOption("--max-connections-per-address", "1", "9:dry") {
            "\($0.server.admission.connectionsOfAddress ?? -1)"
        },
        SampleOption("--max-sockets-per-address", "1", "9:dry") { "\($0.server.maxSocketsOfAddress ?? -1)" },
        SampleOption("--max-connections-per-user", "1", "9:dry") { "\($0.server.admission.connectionsOfUser ?? -1)" },
        SampleOption("--ping-interval", "1.0", "2.5") { seconds($0.server.pingInterval) },
        SampleOption("--pong-timeout", "1.0", "2.5") { seconds($0.server.pongTimeout) },
        SampleOption("--handshake-timeout", "1.0", "2.5") { seconds($0.server.handshakeTimeout) },
        SampleOption("--allow-origin", "https://a", "*") {
            $0.server.allowedOrigins.map(\.description).joined(separator: ",")
        },
        SampleOption("--allow-host", "a.example", "*.b.example") {
            $0.server.allowedHosts.map(\.description).joined(separator: ",")
        },
        SampleOption("--trusted-proxy", "10.0.0.0/8", "unix") {
            $0.server.trustedProxies.map(\.description).joined(separator: ",")
        },
        SampleOption("--publish-key", "a", "b") { $0.server.publishKeys.joined(separator: ",") },
        SampleOption("--pusher-app", "1:a:s", "2:b:t") { settings in
            ["1:a:s", "2:b:t"].filter { settings.server.pusherApps.map(Optional.init).contains(PusherApp($0)) }.joined(
                separator: ",")
        },
        SampleOption("--api-key", "a", "b") { $0.server.apiKeys.joined(separator: ",") },
        SampleOption("--hook-connect", "http://a/b", "https://c:1/") { $0.server.hooks.urls[.connect] ?? "" },
        SampleOption("--hook-subscribe", "http://a/b", "https://c:1/") { $0.server.hooks.urls[.subscribe] ?? "" },
        SampleOption("--hook-publish", "http://a/b", "https://c:1/") { $0.server.hooks.urls[.publish] ?? "" },
        SampleOption("--hook-header", "cookie", "x-room") { $0.server.hooks.headers.joined(separator: ",") },
        SampleOption("--hook-failure", "refuse", "allow") { $0.server.hooks.otherwise.rawValue },
        SampleOption("--hook-timeout", "0.5", "7.0") { seconds($0.server.hooks.timeLimit) },
        SampleOption("--hook-ca", "/etc/hosts", "/etc/passwd") { $0.server.hooks.authoritiesFile ?? "" },
        SampleOption("--admin", "127.0.0.1:1", "unix:/x") { $0.server.admin.map(\.description).joined(separator: ",") },
        SampleOption("--path-prefix", "/push", "/a/b") { $0.server.pathPrefix.map { "\($0)" } ?? "" },
        SampleOption("--drain", "0.0", "7.0") { seconds($0.server.drain) },
        SampleOption("--drain-delay", "0.5", "7.0") { seconds($0.server.drainDelay) },
        SampleOption("--keep-alive", "0.5", "620.0") { seconds($0.server.keepAlive) },
        SampleOption("--log-level", "trace", "error") { $0.logLevel.rawValue },
        SampleOption("--log-format", "json", "text") { $0.logFormat.rawValue },
    ]

    private static func seconds(_ duration: Duration) -> String { "\(duration / .seconds(1))" }
}
