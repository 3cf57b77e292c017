public import RedisBridge
public import WSLoop
public import WebSocket

/// The settings of a run.
public struct BenchPlan: Sendable {
    /// How much is published.
    public enum Extent: Equatable, Sendable {
        /// This many messages, including the warm-up.
        case messages(Int)
        /// For this long, after the warm-up.
        case duration(Duration)
    }

    /// When the next message is published.
    public enum Pace: Equatable, Sendable {
        /// When fewer than this many are under way, that is, not acknowledged yet or not received by all subscribers.
        case inFlight(Int)
        /// At fixed times, whether or not earlier messages have arrived.
        case rate(perSecond: Double)
    }

    /// How messages are published.
    public enum Route: Equatable, Sendable {
        /// `POST /publish` to the server of the WebSockets, with an optional key.
        case http(key: String?)
        /// `PUBLISH` in Redis, to channels whose names have this prefix there.
        case redis(RedisEndpoint, prefix: String)
    }

    /// The URL of the WebSockets.
    public var url: WebSocketURL
    /// The trusted authorities, if the URL uses TLS.
    public var tls: TLSContext?
    /// The number of subscribers; they are spread evenly over the channels.
    public var connections = 100
    /// The number of channels, at most one per connection; messages go to each in turn.
    public var channels = 1
    /// The beginning of each channel's name.
    public var channelPrefix = "bench"
    /// How much is published.
    public var extent = Extent.duration(.seconds(10))
    /// When it is published.
    public var pace = Pace.inFlight(8)
    /// How it is published.
    public var route = Route.http(key: nil)
    /// The size of a message, at least `minimumMessageBytes`.
    public var messageBytes = 128
    /// The subprotocol that subscribers offer.
    public var subprotocol: String?
    /// Messages published in this time are counted, but not measured.
    public var warmUp = Duration.seconds(1)
    /// How long nothing may arrive while messages are missing.
    public var patience = Duration.seconds(10)

    /// The smallest message: it must hold the run's stamp.
    public static let minimumMessageBytes = Stamp.byteCount

    /// A plan with default values for a server.
    public init(url: WebSocketURL) {
        self.url = url
    }

    /// The descriptors that a run needs at once: for subscribers, publishers and the loop.
    public var neededDescriptors: Int { connections + publisherLimit + 32 }

    var security: ClientStream.Security? {
        tls.map { ClientStream.Security(context: $0, serverName: url.host) }
    }

    /// The most connections that may publish over HTTP at once.
    var publisherLimit: Int {
        guard case .http = route else { return 1 }
        guard case .inFlight(let count) = pace else { return 256 }
        return min(count, 256)
    }

    /// The name of a channel in a run.
    func channelName(_ index: Int, run: RunID) -> String { "\(channelPrefix)-\(run)-\(index)" }

    /// The channel of a subscriber.
    func channel(ofConnection index: Int) -> Int { index % channels }
}

/// Identifies a run, so that messages of earlier runs or other publishers are not counted.
public struct RunID: Equatable, Sendable, CustomStringConvertible {
    /// 14 hexadecimal digits.
    public let description: String

    /// Makes an identifier from the lower 56 bits of a number.
    public init(_ number: UInt64 = .random(in: .min ... .max)) {
        description = String(Hexadecimal.digits(number).dropFirst(2))
    }
}
