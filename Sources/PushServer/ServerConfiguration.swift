public import Access
public import Channels
public import HTTP
public import Protocols

/// All settings of a server; the defaults are those of the command line.
public struct ServerConfiguration: Sendable {
    /// The addresses to listen on.
    public var listen: [ListenAddress] = [.everywhere(port: 8081)]
    /// Addresses for `/metrics` and the full `/health`, which are then served nowhere else.
    public var admin: [ListenAddress] = []
    /// The certificates for TLS addresses; required if there are any.
    public var certificates: ServerCertificates?
    /// What messages are published through.
    public var broker = BrokerChoice.embedded
    /// Whether the server is ready only while the broker is usable.
    public var readyNeedsBroker = false
    /// The number of event loops, one thread each.
    public var workers = 1
    /// How writes reach the kernel.
    public var io = IOMethod.auto
    /// How long a busy loop waits between two flushes.
    public var pacing = Pacing.balanced
    /// The most WebSockets, others get 503; nil for as many as the descriptor limit allows.
    public var maxConnections: Limit?
    /// The largest message from a client; a larger one is closed with 1009.
    public var maxMessageBytes = 65_536
    /// The largest published message; a larger one gets 413.
    public var maxPublishBytes = 1_048_576
    /// Whether permessage-deflate is granted to clients that offer it.
    public var compresses = false
    /// The most connections that may keep a decompression context for a client that insists on it, at about 40 KiB
    /// each.
    public var maxDeflateContexts = 1024
    /// The most channels per connection.
    public var maxChannels: Limit = 128
    /// Whether clients may publish over their WebSocket to channels that they are subscribed to, where no rule says
    /// who may.
    public var allowsClientPublish = false
    /// The rules for channels; the first that matches a channel decides.
    public var channelRules: [ChannelRule] = []
    /// The applications of Pusher's clients; without one there are no such clients.
    public var pusherApps: [PusherApp] = []
    /// How tokens of clients are verified; nil if none are taken.
    public var tokens: TokenSettings?
    /// The most message bytes queued for one connection.
    public var outboxLimitBytes = 4_194_304
    /// What happens to a channel's messages for a connection at that limit, where no channel rule says so.
    public var slowConsumers = SlowConsumerPolicies()
    /// The most bytes queued for all connections together.
    public var outboxBudgetBytes = Int.max
    /// The most bytes of all channels' histories together.
    public var historyBudgetBytes = 67_108_864
    /// How often a node tells the others that its members are there; after two times its silence has ended them.
    public var presenceHeartbeat = Duration.seconds(5)
    /// The most bytes of input that the process holds for all clients together.
    public var inboundBudgetBytes = Int.max
    /// A silent connection is pinged after this time.
    public var pingInterval = Duration.seconds(25)
    /// A pinged connection must be heard from within this time.
    public var pongTimeout = Duration.seconds(10)
    /// A connection must read something of its queue within this time.
    public var stallTimeout = Duration.seconds(30)
    /// Frames and requests that a client may send per second; nil for unlimited.
    ///
    /// Each KiB that a compressed message expands to counts as well. Publishing over HTTP does not count.
    public var maxMessageRate: Limit?
    /// What happens to a client that sends more.
    public var rateExcess = RateExcess.close
    /// The most open sockets per address, of any protocol; another one is closed as soon as it is accepted.
    public var maxSocketsOfAddress: Limit?
    /// Limits for opening WebSockets; beyond them 503.
    public var admission = AdmissionLimits()
    /// A connection must have sent its request within this time.
    public var handshakeTimeout = Duration.seconds(10)
    /// How long an idle HTTP connection is kept open, which responses announce.
    public var keepAlive = Duration.seconds(75)
    /// The allowed browser origins, besides the server's own.
    public var allowedOrigins: [OriginPattern] = []
    /// Host names that are accepted in requests over loopback.
    ///
    /// Addresses, `localhost` and the hosts of `allowedOrigins` are always accepted.
    public var allowedHosts: [HostPattern] = []
    /// Proxies that are trusted to report their clients' addresses, and whether the clients use TLS.
    public var trustedProxies: [TrustedProxy] = []
    /// Keys for publishing over HTTP; without keys only this machine may publish.
    public var publishKeys: [String] = []
    /// Keys for `/metrics` and the full `/health`; without keys only this machine, or clients of `admin`, may read
    /// them.
    public var apiKeys: [String] = []
    /// The backend that decides what clients may do.
    public var hooks = HookConfiguration()
    /// How long a stopping server still accepts clients while it reports that it is not ready.
    public var drainDelay = Duration.zero
    /// The time over which a stop spreads its closes.
    public var drain = Duration.seconds(20)
    /// A path below which everything is also served.
    public var pathPrefix: PathPrefix?
    /// Pages by path, served besides the endpoints; `/` is the demo page unless it is given here.
    public var pages: [String: Page] = [:]
    /// Paths whose POST requests are answered with the closure's result for the body; called on the connection's loop.
    public var posts: [String: @Sendable ([UInt8]) -> [UInt8]] = [:]
    /// The number of lost log lines so far, for `/metrics`; called on any thread.
    public var droppedLogLines: @Sendable () -> Int = { 0 }
    /// What opened WebSockets are used for.
    public var endpoint = WebSocketEndpoint.channels

    /// The defaults.
    public init() {}

    /// The rules for channels, with those that clients' protocols have behind them.
    var allChannelRules: [ChannelRule] { pusherApps.isEmpty ? channelRules : channelRules + PusherChannel.rules }

    /// Whether an application of Pusher's clients is told what happens.
    var hasWebhooks: Bool { pusherApps.contains { $0.options.webhookURL != nil } }

    /// Whether the server sends requests to others.
    var fetches: Bool { !hooks.urls.isEmpty || hooks.eventsURL != nil || hasWebhooks || tokens?.keySetURL != nil }
}

/// A page that is served from memory.
public struct Page: Sendable {
    /// The policy for a page that contains its style and script, and connects only to this server.
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
    /// Answers every message, on any path, with the closure's result; called on the connection's loop.
    case answering(@Sendable (WebSocketMessage) -> WebSocketMessage?)
}

/// A complete message of a WebSocket connection.
public enum WebSocketMessage: Equatable, Sendable {
    /// Text; the bytes are valid UTF-8.
    case text([UInt8])
    /// Any bytes.
    case binary([UInt8])
}
