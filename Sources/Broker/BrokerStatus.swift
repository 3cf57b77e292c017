/// The state of the connections to a remote broker.
public struct BrokerStatus: Sendable, Equatable {
    /// The state of the connections.
    public enum State: String, Sendable {
        /// The first attempts run.
        case connecting
        /// A probe message has passed through the broker and back.
        case connected
        /// Connected, but probe messages do not come back.
        case silent
        /// The broker could not be reached or was lost; attempts continue.
        case disconnected
    }

    /// The state.
    public var state: State
    /// When the state was entered, on the loop's clock.
    public var sinceMilliseconds: UInt64
    /// How often a lost connection was re-established.
    public var reconnects = 0
    /// The number of channels that the broker has confirmed.
    public var subscribedChannels = 0
    /// The round trip of the last probe message; nil while not connected.
    public var probeMilliseconds: Double?
    /// Whether messages arrive reliably: connected, and no subscription is overdue for its confirmation.
    public var isUsable = false
    /// The last problem, for humans; nil while usable.
    public var reason: String?
    /// Whether the broker itself gave the reason, instead of only ending a connection.
    public var isReasonGiven = false
    /// The longest time until the next attempt; nil while none is due.
    public var retryMilliseconds: UInt64?
    /// How often the broker has cut a connection because this node did not keep up with its messages.
    public var overruns = 0
    /// The number of messages and commands that wait for a connection or for a reply.
    public var queuedCommands = 0
    /// Messages whose names are not channels here.
    public var ignoredMessages = 0

    /// A state that was entered at a time on the loop's clock.
    public init(state: State, sinceMilliseconds: UInt64) {
        self.state = state
        self.sinceMilliseconds = sinceMilliseconds
    }
}
