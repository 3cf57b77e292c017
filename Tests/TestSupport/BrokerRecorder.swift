public import Broker

/// Notes what a broker brings.
public final class BrokerRecorder: BrokerDelegate {
    /// The messages, in order.
    public private(set) var messages: [Publication] = []
    /// The outcomes of publishes, in order.
    public private(set) var outcomes: [(ticket: PublishTicket, outcome: PublishOutcome)] = []
    /// The channels that were settled, in order.
    public private(set) var settled: [String] = []
    /// Those of them that were confirmed.
    public private(set) var confirmed: [String] = []
    /// The gaps, in order.
    public private(set) var gaps: [(channel: String, milliseconds: UInt64)] = []
    /// How often the subscriptions were lost.
    public private(set) var losses = 0
    /// The status after each change.
    public private(set) var statuses: [BrokerStatus] = []
    /// Names that cannot be channels.
    public private(set) var ignored: [String] = []
    /// How many messages were too large.
    public private(set) var leftOutMessages = 0
    /// Each runs after what it is named for was noted.
    public var onMessage: (() -> Void)?
    public var onSettled: ((String) -> Void)?
    public var onLoss: (() -> Void)?
    public var onStatus: (() -> Void)?

    /// A recorder that has noted nothing.
    public init() {}

    /// The states after each change.
    public var states: [BrokerStatus.State] { statuses.map(\.state) }

    /// Forgets what was noted so far.
    public func forget() {
        messages = []
        outcomes = []
        settled = []
        confirmed = []
        gaps = []
        losses = 0
        statuses = []
    }

    public func brokerReceived(_ publication: Publication) {
        messages.append(publication)
        onMessage?()
    }

    public func brokerPublished(_ outcome: PublishOutcome, for ticket: PublishTicket) {
        outcomes.append((ticket, outcome))
    }

    public func brokerSettled(_ channel: String, isConfirmed: Bool) {
        settled.append(channel)
        if isConfirmed { confirmed.append(channel) }
        onSettled?(channel)
    }

    public func brokerLeftGap(in channel: String, milliseconds: UInt64) {
        gaps.append((channel, milliseconds))
    }

    public func brokerLostSubscriptions() {
        losses += 1
        onLoss?()
    }

    public func brokerStatusChanged(_ status: BrokerStatus) {
        statuses.append(status)
        onStatus?()
    }

    public func brokerIgnored(_ name: String) {
        ignored.append(name)
    }

    public func brokerLeftOutMessage() {
        leftOutMessages += 1
    }
}
