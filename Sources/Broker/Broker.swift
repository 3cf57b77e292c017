/// Where messages are published to and come from: this process, or a server that several nodes share.
///
/// Confined to one loop. A question is answered at once where that is possible; else the answer comes to the delegate.
public protocol Broker: AnyObject {
    /// Asks for the messages of a channel.
    ///
    /// - Returns: true if the subscription is confirmed; false if `brokerSettled` follows, once.
    func subscribe(_ channel: String) -> Bool

    /// Ends the subscription of a channel that has no subscribers on this node any more.
    ///
    /// A `brokerSettled` that is still due does not come.
    func unsubscribe(_ channel: String)

    /// Publishes a message.
    ///
    /// - Parameter ticket: names the connection that waits for the outcome.
    /// - Returns: the outcome; nil if `brokerPublished` brings it, once, perhaps inside this call.
    func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome?
}

/// A broker outside of this process.
///
/// A node has one, on the loop of its first worker.
public protocol RemoteBroker: Broker {
    /// The state of the connections to it.
    var status: BrokerStatus { get }

    /// Closes connections and timers; the delegate is not called any more.
    func stop()
}

/// Takes what a remote broker brings; called on its loop, and never from inside `subscribe()`.
public protocol BrokerDelegate: AnyObject {
    /// A message arrived on a channel.
    func brokerReceived(_ publication: Publication)

    /// The outcome of a publish is known.
    func brokerPublished(_ outcome: PublishOutcome, for ticket: PublishTicket)

    /// A subscription need not be waited for any longer.
    ///
    /// - Parameter isConfirmed: false if the broker is away or did not confirm in time; it is asked again by itself.
    func brokerSettled(_ channel: String, isConfirmed: Bool)

    /// The channel's subscribers may have missed messages for that long; from now on they do not.
    func brokerLeftGap(in channel: String, milliseconds: UInt64)

    /// The connection was lost: no channel counts as confirmed any more.
    func brokerLostSubscriptions()

    /// The state or the usability changed, or there is a new reason; not called for each attempt to connect.
    func brokerStatusChanged(_ status: BrokerStatus)

    /// A message arrived whose name cannot be a channel here; called for the first one only.
    func brokerIgnored(_ name: String)

    /// A message was larger than a payload may be, and is not delivered.
    func brokerLeftOutMessage()
}
