package import Broker

/// Notes what a broker brings.
package final class BrokerRecorder: BrokerDelegate {
    /// The messages, in order.
    package private(set) var messages: [Publication] = []
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
