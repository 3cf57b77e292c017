internal import Broker
internal import Channels
public import RedisBridge
internal import WSLoop

/// Which broker a server has and how it is connected: the one place that knows the brokers there are.
public struct BrokerChoice: Sendable, CustomStringConvertible {
    typealias Connect =
        @Sendable (Loop, _ maxPayloadBytes: Int, any BrokerDelegate) throws(SystemError) -> any RemoteBroker

    /// Where it is, for people.
    public let description: String
    let traits: BrokerTraits
    /// How connections to it are secured; nil if they are not.
    var tlsRecords: TLSRecords?
    /// Makes the broker on the node's loop and begins to connect; nil for the embedded one.
    let connect: Connect?

    var isEmbedded: Bool { connect == nil }
}

extension BrokerChoice {
    /// The broker in the process.
    ///
    /// `/health` and `/metrics` name Redis without one as well, so that dashboards need not know how a server is run.
    public static let embedded = BrokerChoice(
        description: "embedded",
        traits: BrokerTraits(name: RedisBridge.traits.name, label: RedisBridge.traits.label), connect: nil)

    /// A bridge to Redis.
    public static func redis(_ endpoint: RedisEndpoint, _ options: RedisOptions = RedisOptions()) -> BrokerChoice {
        BrokerChoice(
            description: endpoint.description, traits: RedisBridge.traits, tlsRecords: options.tls?.records
        ) { loop, maxPayloadBytes, delegate throws(SystemError) in
            let bridge = try RedisBridge(
                on: loop, endpoint: endpoint, tls: options.tls, channels: options.channels, timing: options.timing,
                maxPayloadBytes: maxPayloadBytes, isChannel: ChannelName.isValid, delegate: delegate)
            bridge.start()
            return bridge
        }
    }
}
