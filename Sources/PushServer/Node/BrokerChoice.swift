internal import Broker
internal import Channels
internal import RedisBridge
internal import WSLoop

/// Which broker a server has and how it is connected: the one place that knows the brokers there are.
struct BrokerChoice: Sendable {
    typealias Connect =
        @Sendable (Loop, _ maxPayloadBytes: Int, any BrokerDelegate) throws(SystemError) -> any RemoteBroker

    let traits: BrokerTraits
    /// How connections to it are secured; nil if they are not.
    var tlsRecords: TLSRecords?
    /// Makes the broker on the node's loop and begins to connect; nil for the embedded one.
    let connect: Connect?

    var isEmbedded: Bool { connect == nil }
}

extension BrokerChoice {
    /// `/health` and `/metrics` name Redis without one as well, so that dashboards need not know how a server is run.
    static let embedded = BrokerChoice(
        traits: BrokerTraits(name: RedisBridge.traits.name, label: RedisBridge.traits.label), connect: nil)

    init(_ configuration: ServerConfiguration) {
        self = configuration.redis.map { .redis($0, configuration) } ?? .embedded
    }

    private static func redis(_ endpoint: RedisEndpoint, _ configuration: ServerConfiguration) -> BrokerChoice {
        let channels = RedisChannelMap(
            prefix: configuration.redisPrefix, aliases: configuration.redisAliases,
            patterns: configuration.redisPatterns.map(\.wildcard))
        let (tls, timing) = (configuration.redisTLS, configuration.redisTiming)
        return BrokerChoice(traits: RedisBridge.traits, tlsRecords: tls?.records) {
            loop, maxPayloadBytes, delegate throws(SystemError) in
            let bridge = try RedisBridge(
                on: loop, endpoint: endpoint, tls: tls, channels: channels, timing: timing,
                maxPayloadBytes: maxPayloadBytes, isChannel: ChannelName.isValid, delegate: delegate)
            bridge.start()
            return bridge
        }
    }
}
