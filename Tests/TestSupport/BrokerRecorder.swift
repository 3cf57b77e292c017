package import Broker

/// Notes what a broker brings.
package final class BrokerRecorder: BrokerDelegate {
    /// The messages, in order.
    package private(set) var messages: [Publication] = []
    /// The numbered messages, in order.
    package private(set) var numbered: [StreamMessage] = []
    /// Where numbers went on, in order.
    package private(set) var restarts: [(channel: String, place: StreamPlace, isLoss: Bool)] = []
    /// What growing messages had, by channel.
    package private(set) var growing: [String: [GrowingText]] = [:]
    /// Channels whose messages were dropped.
    package private(set) var cleared: [String] = []
    /// What channels keep whose names begin with `kept`; nil for nothing.
    package var limits: StreamLimits?
    /// The outcomes of publishes, in order.
    package private(set) var outcomes: [(ticket: PublishTicket, outcome: PublishOutcome)] = []
    /// The channels that were settled, in order.
    package private(set) var settled: [String] = []
    /// Those of them that were confirmed.
    package private(set) var confirmed: [String] = []
    /// The gaps, in order.
    package private(set) var gaps: [(channel: String, milliseconds: UInt64)] = []
    /// How often the subscriptions were lost.
    package private(set) var losses = 0
    /// The status after each change.
    package private(set) var statuses: [BrokerStatus] = []
    /// Names that cannot be channels.
    package private(set) var ignored: [String] = []
    /// How many messages were too large.
    package private(set) var leftOutMessages = 0
    /// What nodes told, in order.
    package private(set) var heard: [[UInt8]] = []
    /// How often this node has joined the others.
    package private(set) var joins = 0
    /// Why it could not.
    package private(set) var refusals: [String] = []
    /// Each runs after what it is named for was noted.
    package var onMessage: (() -> Void)?
    package var onSettled: ((String) -> Void)?
    package var onLoss: (() -> Void)?
    package var onStatus: (() -> Void)?

    /// A recorder that has noted nothing.
    package init() {}

    /// The states after each change.
    package var states: [BrokerStatus.State] { statuses.map(\.state) }

    /// Forgets what was noted so far.
    package func forget() {
        messages = []
        numbered = []
        restarts = []
        outcomes = []
        settled = []
        confirmed = []
        gaps = []
        losses = 0
        statuses = []
    }

    package func brokerReceived(_ publication: Publication) {
        messages.append(publication)
        onMessage?()
    }

    package func brokerReceived(_ message: StreamMessage) {
        numbered.append(message)
        onMessage?()
    }

    package func brokerRestarted(_ channel: String, at place: StreamPlace, isLoss: Bool) {
        restarts.append((channel, place, isLoss))
    }

    package func brokerHasGrowing(_ texts: [GrowingText], in channel: String) {
        growing[channel] = texts
    }

    package func brokerCleared(_ channel: String) {
        cleared.append(channel)
    }

    package func brokerRefusedHistories(_ reason: String) {
        refusals.append(reason)
    }

    package func streamLimits(of channel: String) -> StreamLimits? {
        channel.hasPrefix("kept") ? limits : nil
    }

    package var streamRules: [StreamRule] {
        limits.map { [StreamRule(pattern: "kept*", limits: $0)] } ?? []
    }

    package func brokerPublished(_ outcome: PublishOutcome, for ticket: PublishTicket) {
        outcomes.append((ticket, outcome))
    }

    package func brokerSettled(_ channel: String, isConfirmed: Bool) {
        settled.append(channel)
        if isConfirmed { confirmed.append(channel) }
        onSettled?(channel)
    }

    package func brokerLeftGap(in channel: String, milliseconds: UInt64) {
        gaps.append((channel, milliseconds))
    }

    package func brokerLostSubscriptions() {
        losses += 1
        onLoss?()
    }

    package func brokerStatusChanged(_ status: BrokerStatus) {
        statuses.append(status)
        onStatus?()
    }

    package func brokerIgnored(_ name: String) {
        ignored.append(name)
    }

    package func brokerLeftOutMessage() {
        leftOutMessages += 1
    }

    package func brokerHeard(_ text: [UInt8]) {
        heard.append(text)
    }

    package func brokerJoinedNodes() {
        joins += 1
    }

    package func brokerRefusedNodes(_ reason: String) {
        refusals.append(reason)
    }
}
