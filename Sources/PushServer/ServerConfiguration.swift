public import Access
public import Channels
public import HTTP
public import RedisBridge
public import WSLoop

/// Everything that can be set about a server; the defaults are those of the command line.
public struct ServerConfiguration: Sendable {
    /// Where it listens.
    public var listen: [ListenAddress] = [.everywhere(port: 8081)]
    /// Where it listens for `/metrics` and the whole `/health`, which are then found nowhere else.
    public var admin: [ListenAddress] = []
    /// What is shown to clients on addresses with TLS; needed if there are any.
    public var certificates: ServerCertificates?
    /// The Redis server to bridge to; nil for the embedded in-process broker.
    public var redis: RedisEndpoint?
    /// Whom to trust and what to show on links to Redis, if they use TLS.
    public var redisTLS: TLSContext?
    /// What stands before a channel's name in Redis.
    public var redisPrefix = "push:"
    /// Redis channels that map to a pushd channel by name.
    public var redisAliases: [(redis: String, channel: String)] = [("global_channel", "global")]
    /// Channels whose messages are taken from Redis whether anybody is subscribed or not.
    public var redisPatterns: [ChannelPattern] = []
    /// The bridge's timeouts.
    public var redisTiming = RedisTiming()
    /// Whether the server is ready only while Redis is usable.
    public var readyNeedsRedis = false
    /// Event loops, one thread each.
    public var workers = 1
    /// How writes get to the kernel.
    public var io = IOMethod.auto
    /// How long a busy loop rests between two flushes.
    public var pacing = Pacing.balanced
    /// Past it a handshake is refused with 503; nil for what the descriptor limit allows.
    public var maxConnections: Limit?
    /// The largest message from a client; past it close code 1009.
    public var maxMessageBytes = 65_536
    /// The largest published message; past it 413.
    public var maxPublishBytes = 1_048_576
    /// Whether permessage-deflate is granted to clients that offer it.
    public var compresses = false
    /// How many connections may keep a decompression context for a client that insists on it, at about 40 KiB each.
    public var maxDeflateContexts = 1024
    /// Channels per connection.
    public var maxChannels: Limit = 128
    /// Whether clients may publish over their WebSocket.
    public var allowsClientPublish = false
    /// The strict bound of message bytes queued for one connection.
    public var outboxLimitBytes = 4_194_304
    /// What becomes of a channel's messages for a connection that passes the bound.
    public var slowConsumers = SlowConsumerPolicies()
    /// The bound of bytes queued for all connections together.
    public var outboxBudgetBytes = Int.max
    /// The bound of bytes that all peers together make the process hold on their way in.
    public var inboundBudgetBytes = Int.max
    /// A silent connection is pinged after this time.
    public var pingInterval = Duration.seconds(25)
    /// A pinged connection must be heard from within this time.
    public var pongTimeout = Duration.seconds(10)
    /// A connection must take something of what waits for it within this time.
    public var stallTimeout = Duration.seconds(30)
    /// Frames and requests that a client may send per second; nil for any number.
    ///
    /// Each KiB that its compressed messages inflate to counts as well. Publishing over HTTP does not.
    public var maxMessageRate: Limit?
    /// What becomes of a client that sends more.
    public var rateExcess = RateExcess.close
    /// Open sockets of one address, whatever they speak; one more is closed as soon as it is accepted.
    public var maxSocketsOfAddress: Limit?
    /// Who may open WebSockets, and how many; past it 503.
    public var admission = AdmissionLimits()
    /// A connection must have sent its request within this time.
    public var handshakeTimeout = Duration.seconds(10)
    /// An HTTP connection is kept so long for a next request, and answers say so.
    public var keepAlive = Duration.seconds(75)
    /// The browsers' origins that are let in besides the server's own.
    public var allowedOrigins: [OriginPattern] = []
    /// Names under which requests over loopback are taken.
    ///
    /// Addresses, `localhost` and the hosts of `allowedOrigins` always are.
    public var allowedHosts: [HostPattern] = []
    /// Proxies whose word counts on the address of their clients, and on whether these spoke TLS.
    public var trustedProxies: [TrustedProxy] = []
    /// Keys for publishing over HTTP; without one only this machine may publish.
    public var publishKeys: [String] = []
    /// Keys for `/metrics` and the whole `/health`; without one they are for this machine, or for who reaches `admin`.
    public var apiKeys: [String] = []
    /// How long a server that is to stop still takes clients, while it says that it is not ready.
    public var drainDelay = Duration.zero
    /// The time over which a stop spreads its closes.
    public var drain = Duration.seconds(20)
    /// A path below which everything is served as well.
    public var pathPrefix: PathPrefix?
    /// Pages by path, served besides the endpoints; `/` is the demo page unless given here.
    public var pages: [String: Page] = [:]
    /// Paths where a POST is answered with what the closure makes of its body; called on the connection's loop.
    public var posts: [String: @Sendable ([UInt8]) -> [UInt8]] = [:]
    /// How many lines the log has lost so far, for `/metrics`; called on any thread.
    public var droppedLogLines: @Sendable () -> Int = { 0 }
    /// What is behind an opened WebSocket.
    public var endpoint = WebSocketEndpoint.channels

    /// The defaults.
    public init() {}
}

/// A page that is served from memory.
public struct Page: Sendable {
    /// What a page may do that has its style and script in it and talks to this server only.
    public static let selfContained =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    let contentType: String
    let contentSecurityPolicy: String
    let body: [UInt8]

    /// A page with the given body.
    ///
    /// - Parameter contentSecurityPolicy: what the browser lets it load and do (Content-Security-Policy).
    public init(
        contentType: String = "text/html; charset=utf-8", contentSecurityPolicy: String = Page.selfContained,
        body: [UInt8]
    ) {
        self.contentType = contentType
        self.contentSecurityPolicy = contentSecurityPolicy
        self.body = body
    }
}

/// What a server does with its WebSocket connections.
public enum WebSocketEndpoint: Sendable {
    /// pushd's protocol on `/ws`: channels, subscriptions, published messages.
    case channels
    /// Every message, on any path, is answered with what the closure returns; called on the connection's loop.
    case answering(@Sendable (WebSocketMessage) -> WebSocketMessage?)
}

/// A whole message of a WebSocket connection.
public enum WebSocketMessage: Equatable, Sendable {
    /// Text; the bytes are valid UTF-8.
    case text([UInt8])
    /// Any bytes.
    case binary([UInt8])
}
