internal import Broker
internal import Channels
public import RedisBridge
internal import WSLoop

/// Chooses a server's broker and its connection: the only place that knows all brokers.
public struct BrokerChoice: Sendable, CustomStringConvertible {
    typealias Connect =
        @Sendable (Loop, _ maxPayloadBytes: Int, any BrokerDelegate) throws(SystemError) -> any RemoteBroker

    /// Where it is, for people.
    public let description: String
    let traits: BrokerTraits
    /// The TLS settings of its connections; nil without TLS.
    var tlsRecords: TLSRecords?
    /// Makes the broker on the node's loop and starts to connect; nil for the embedded one.
    let connect: Connect?

    /// Whether it is the embedded one.
    public var isEmbedded: Bool { connect == nil }
}

extension BrokerChoice {
    /// The broker in the process.
    ///
    /// `/health` and `/metrics` show Redis even without one, so that dashboards work in both cases.
    public static let embedded = BrokerChoice(
        description: "embedded",
        traits: BrokerTraits(name: RedisBridge.traits.name, label: RedisBridge.traits.label), connect: nil)

    /// A bridge to Redis.
    public static func redis(_ endpoint: RedisEndpoint, _ options: RedisOptions = RedisOptions()) -> BrokerChoice {
        BrokerChoice(
            description: endpoint.description, traits: RedisBridge.traits(of: endpoint),
            tlsRecords: options.tls?.records
        ) { loop, maxPayloadBytes, delegate throws(SystemError) in
            let bridge = try RedisBridge(
                on: loop, endpoint: endpoint, tls: options.tls, channels: options.channels, timing: options.timing,
                maxPayloadBytes: maxPayloadBytes, isChannel: ChannelName.isValid, delegate: delegate)
            bridge.start()
            return bridge
        }
    }
}
