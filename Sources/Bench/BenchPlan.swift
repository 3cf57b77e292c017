public import RedisBridge
public import WSLoop
public import WebSocket

/// What a run is to do.
public struct BenchPlan: Sendable {
    /// How much is published.
    public enum Extent: Equatable, Sendable {
        /// That many messages, those of the warm-up included.
        case messages(Int)
        /// For so long, behind the warm-up.
        case duration(Duration)
    }

    /// When the next message is published.
    public enum Pace: Equatable, Sendable {
        /// As soon as fewer than that many are under way: a message is until it is acknowledged and all its subscribers have it.
        case inFlight(Int)
        /// At fixed times, whatever becomes of the messages before it.
        case rate(perSecond: Double)
    }

    /// The way messages are published.
    public enum Route: Equatable, Sendable {
        /// `POST /publish` at the address of the WebSockets, with a key if one is needed.
        case http(key: String?)
        /// `PUBLISH` in Redis, to channels whose names have a prefix there.
        case redis(RedisEndpoint, prefix: String)
    }

    /// Where the WebSockets are.
    public var url: WebSocketURL
    /// Whom to trust if the address is one with TLS.
    public var tls: TLSContext?
    /// How many subscribers there are; they are spread evenly over the channels.
    public var connections = 100
    /// How many channels there are, at most one for each connection; messages go to one after the other.
    public var channels = 1
    /// What the names of the channels begin with.
    public var channelPrefix = "bench"
    /// How much is published.
    public var extent = Extent.duration(.seconds(10))
    /// When it is published.
    public var pace = Pace.inFlight(8)
    /// How it is published.
    public var route = Route.http(key: nil)
    /// How large a message is, at least `minimumMessageBytes`.
    public var messageBytes = 128
    /// The subprotocol that subscribers ask for.
    public var subprotocol: String?
    /// What is published so early is counted, but not measured.
    public var warmUp = Duration.seconds(1)
    /// How long nothing may arrive while something is missing.
    public var patience = Duration.seconds(10)

    /// The least that holds what is to be found again in each message.
    public static let minimumMessageBytes = Stamp.byteCount

    /// A plan of the defaults for the server there.
    public init(url: WebSocketURL) {
        self.url = url
    }

    /// The descriptors that a run needs at once: of subscribers, publishers, and some of the loop.
    public var neededDescriptors: Int { connections + publisherLimit + 32 }

    var security: ClientStream.Security? {
        tls.map { ClientStream.Security(context: $0, serverName: url.host) }
    }

    /// How many connections may publish over HTTP at once.
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

/// Tells a run from others, so that what an earlier one left, or somebody else published, is not counted.
public struct RunID: Equatable, Sendable, CustomStringConvertible {
    /// 14 hexadecimal digits.
    public let description: String

    /// Names a run by a number of which 56 bits count.
    public init(_ number: UInt64 = .random(in: .min ... .max)) {
        description = String(Hexadecimal.digits(number).dropFirst(2))
    }
}
