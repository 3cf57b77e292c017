internal import Access
internal import Broker
internal import Channels
internal import HTTP
internal import Tokens
internal import WSLoop
internal import WebSocket

/// The settings of a server, and what follows from them.
///
/// They never change: a reload makes others, and each loop takes them as a whole, between two requests. Safe on any
/// thread.
final class LiveSettings: Sendable {
    let configuration: ServerConfiguration
    let access: AccessRules
    /// Verifies tokens, with the keys that are known now; nil if no tokens are taken.
    let tokens: TokenVerifier?
    /// The keys of `--token-jwks`; nil if none have been fetched.
    let fetchedKeys: TokenKeys?
    let trustedProxies: TrustedProxies
    let maxClients: Limit
    let timeouts: Timeouts
    let policies: SlowConsumerPolicies
    let messageLimits: ConnectionMachine.Limits
    /// The keep-alive header lines of responses.
    let keepAliveLines: [UInt8]

    /// - Parameters:
    ///   - possibleClients: as many as the descriptors are sufficient for.
    ///   - previous: the settings that these replace.
    ///   - fetched: the keys of `--token-jwks`; nil for those that the previous ones have, which may be another URL's.
    init(
        _ configuration: ServerConfiguration, possibleClients: Int, after previous: LiveSettings? = nil,
        fetched: TokenKeys? = nil
    ) {
        self.configuration = configuration
        access = AccessRules(
            allowedHosts: configuration.allowedHosts, allowedOrigins: configuration.allowedOrigins,
            publishKeys: configuration.publishKeys, apiKeys: configuration.apiKeys,
            channels: ChannelRules(
                configuration.allChannelRules,
                publishDefault: configuration.allowsClientPublish ? .subscribers : .nobody,
                wildcardObstacle: configuration.broker.traits.wildcardObstacle),
            hasAdminAddress: !configuration.admin.isEmpty)
        let fetchedKeys = configuration.tokens?.keySetURL == nil ? nil : fetched ?? previous?.fetchedKeys
        self.fetchedKeys = fetchedKeys
        tokens = configuration.tokens.map { tokens in
            let verifier = tokens.verifier(adding: fetchedKeys)
            // One that stays as it is has verified the tokens of most clients already.
            if let old = previous?.tokens, old.isLike(verifier) { return old }
            return verifier
        }
        trustedProxies = TrustedProxies(configuration.trustedProxies)
        maxClients = configuration.maxConnections ?? Limit(possibleClients)
        timeouts = Timeouts(configuration)
        var policies = configuration.slowConsumers
        policies.channelRules = configuration.allChannelRules.map {
            SlowConsumerPolicies.Rule($0.pattern, $0.slowConsumer)
        }
        self.policies = policies
        // A message in more frames is a flood (RFC 6455 section 10.4): of the largest, a frame for 32 bytes.
        messageLimits = ConnectionMachine.Limits(
            maxMessageBytes: configuration.maxMessageBytes,
            maxFragments: max(1024, configuration.maxMessageBytes / 32))
        let keepAliveSeconds = Int(configuration.keepAlive.components.seconds)
        keepAliveLines = keepAliveSeconds > 0 ? Response.keepAliveLines(seconds: keepAliveSeconds) : []
    }

    /// The TLS context for a connection; nil on a plain address.
    func tlsContext(for peer: Peer) -> TLSContext? {
        peer.contains(.tls) ? configuration.certificates?.context : nil
    }
}
