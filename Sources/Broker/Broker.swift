/// The service through which messages are published and received: this process, or a server that several nodes share.
///
/// Confined to one loop. A call returns its result at once if possible; otherwise the delegate gets it later.
public protocol Broker: AnyObject {
    /// Subscribes to a channel.
    ///
    /// - Returns: true if the subscription is confirmed; false if `brokerSettled` follows, once.
    func subscribe(_ channel: String) -> Bool

    /// Unsubscribes from a channel that has no more subscribers on this node.
    ///
    /// A pending `brokerSettled` will not be called.
    func unsubscribe(_ channel: String)

    /// Publishes a message.
    ///
    /// - Parameter ticket: identifies the connection that waits for the outcome.
    /// - Returns: the outcome; nil if `brokerPublished` reports it, once, possibly inside this call.
    func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome?
}

/// A broker outside this process.
///
/// A node has one, on the loop of its first worker.
public protocol RemoteBroker: Broker, NodeCensus, NodeExchange {
    /// The state of the connections to it.
    var status: BrokerStatus { get }

    /// Drops the messages of a channel's history, on all nodes; `brokerPublished` reports the outcome, once.
    func clearHistory(of channel: String, for ticket: PublishTicket)

    /// The delegate's rules for histories have changed.
    func streamRulesChanged()

    /// Closes connections and timers; the delegate is not called any more.
    func stop()
}

/// Receives a remote broker's events; called on its loop, and never from inside `subscribe()`.
public protocol BrokerDelegate: AnyObject {
    /// A message arrived on a channel.
    func brokerReceived(_ publication: Publication)

    /// A numbered message arrived on a channel with a history, without a hole after those before.
    func brokerReceived(_ message: StreamMessage)

    /// The numbers of a channel's messages go on behind a place.
    ///
    /// - Parameter isLoss: whether subscribers have missed messages that the broker has not any more.
    func brokerRestarted(_ channel: String, at place: StreamPlace, isLoss: Bool)

    /// What the growing messages of a channel have at this moment between two messages; others of it do not grow.
    func brokerHasGrowing(_ texts: [GrowingText], in channel: String)

    /// The messages of a channel's history were dropped; its numbers go on.
    func brokerCleared(_ channel: String)

    /// The broker does not let this node read histories; it keeps trying, and this is called once until it succeeds.
    func brokerRefusedHistories(_ reason: String)

    /// What a channel keeps of its messages; nil if it has no history.
    func streamLimits(of channel: String) -> StreamLimits?

    /// The rules for histories, of which the first that matches a channel decides; empty if no channel has one.
    var streamRules: [StreamRule] { get }

    /// The outcome of a publish is known.
    func brokerPublished(_ outcome: PublishOutcome, for ticket: PublishTicket)

    /// A pending subscription no longer has to wait.
    ///
    /// - Parameter isConfirmed: false if the broker is away or did not confirm in time; it retries by itself.
    func brokerSettled(_ channel: String, isConfirmed: Bool)

    /// The channel's subscribers may have missed messages for this long, but will miss no more.
    func brokerLeftGap(in channel: String, milliseconds: UInt64)

    /// The connection was lost: no channel counts as confirmed any more.
    func brokerLostSubscriptions()

    /// The state or the usability changed, or there is a new reason; not called for each attempt to connect.
    func brokerStatusChanged(_ status: BrokerStatus)

    /// A message arrived whose name cannot be a channel here; called only for the first one.
    func brokerIgnored(_ name: String)

    /// A message exceeded the largest payload and is not delivered.
    func brokerLeftOutMessage()

    /// A node, possibly this one, has told all nodes something.
    func brokerHeard(_ text: [UInt8])

    /// From now on this node hears what nodes tell; it may have missed something before.
    func brokerJoinedNodes()

    /// The broker does not let this node hear the others; it keeps trying, and this is called once until it succeeds.
    func brokerRefusedNodes(_ reason: String)
}
