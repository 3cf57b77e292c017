internal import Broker
internal import Bytes
internal import Channels
internal import Logging
internal import Protocols
internal import WSLoop

/// What loops tell the connections that watch channels.
struct PresenceBatch: Sendable {
    let channel: ByteName
    let notices: [DeliveryNotice]
    /// The number of the taking that its changes are from.
    let number: UInt64
}

/// The node's part of presence: some times a second it tells all loops who has come and gone, and other nodes what has
/// changed here.
final class PresenceLink {
    /// What the changes of a channel may cost at once: bytes for one connection, and for all together.
    private static let maxBytes = (connection: 1 << 20, channel: 1 << 24)

    private let context: LoopContext
    private let state: ServerState
    private let broker: BrokerLink
    /// Nil for the embedded broker, where there are no other nodes.
    private var gossip: PresenceGossip?
    private var countNews = CountNews()

    init(_ context: LoopContext, _ broker: BrokerLink) {
        self.context = context
        self.broker = broker
        state = context.state
        guard !state.broker.isEmbedded else { return }
        let heartbeat = UInt64(state.configuration.presenceHeartbeat / .milliseconds(1))
        gossip = PresenceGossip(node: state.nodeID, heartbeat: heartbeat)
        broker.attach(presence: self)
    }

    /// A member has joined, and clients may look for it on other nodes: they are told all that is new, and watchers
    /// here with the next tick.
    func memberJoined() {
        let now = context.loop.nowMilliseconds
        var gossip = gossip.take()
        let messages = state.presence.update { gossip?.messages(at: now, &$0) ?? [] }
        self.gossip = gossip
        tellNodes(messages)
    }

    func tick() {
        let now = context.loop.nowMilliseconds
        followBroker(at: now)
        let counts = takeCounts()
        var gossip = gossip.take()  // one reference only, so that nothing is copied
        let (messages, changes, counted) = state.presence.update { table in
            table.removeGone(at: now)
            gossip?.removeSilent(at: now, &table)
            for (channel, count) in counts { table.setSubscriptions(count, of: channel) }
            return (gossip?.messages(at: now, &table) ?? [], table.takeChanges(), table.takeCountedChannels())
        }
        self.gossip = gossip
        tellNodes(messages)
        tell(changes)
        tell(counted, at: now)
    }

    private func tellNodes(_ messages: [GossipMessage]) {
        for message in messages {
            // Whatever is lost here is noticed by its number.
            broker.exchange?.tellNodes(GossipText(from: state.nodeID, message).text) { _ in }
        }
    }

    /// The broker reports only once that it hears the nodes (`joined`), perhaps before its status is `connected`.
    private func followBroker(at now: UInt64) {
        guard state.brokerStatus?.state == .connected else {
            gossip?.disconnected()
            return
        }
        if gossip?.isConnected == false { gossip?.connected(at: now) }
    }

    /// The channels that have got or lost subscribers here, as far as other nodes or clients want to know it.
    private func takeCounts() -> [(channel: ByteName, subscribers: Int)] {
        let apps = state.configuration.pusherApps
        let isWanted = gossip == nil ? apps.contains(where: \.options.countsSubscriptions) : !apps.isEmpty
        state.directory.noteCounts(isWanted)
        return state.directory.takeCounts()
    }

    private func tell(_ counted: Set<ByteName>, at now: UInt64) {
        guard state.configuration.pusherApps.contains(where: \.options.countsSubscriptions) else { return }
        let counted = counted.filter { PusherChannel.isCounted($0.text) }
        let news = countNews.take(counted, at: now) { state.presence.subscriptions(of: $0) }
        guard !news.isEmpty else { return }
        for loop in state.inboxes.indices { context.post(.subscriptions(news), to: loop) }
        // Of all nodes one tells the applications.
        guard state.configuration.hasWebhooks, gossip?.isFirst != false else { return }
        for (channel, count) in news {
            context.tellNode(.note(.webhook(.subscriptionCount(channel: channel.text, count))))
        }
    }

    private func tell(_ changes: [PresenceTable.Changes]) {
        var counts = state.presence.counts
        let batches = changes.map { PresenceLink.batch($0, &counts) }
        counts.nodes = gossip?.peerCount ?? 0
        state.presence.counts = counts
        guard !batches.isEmpty else { return }
        for loop in state.inboxes.indices { context.post(.presence(batches), to: loop) }
    }

    /// The notices of a channel's changes; only the number of members if they would be too many bytes.
    static func batch(_ changes: PresenceTable.Changes, _ counts: inout PresenceCounts) -> PresenceBatch {
        let channel = changes.channel
        let limit = min(maxBytes.connection, maxBytes.channel / max(changes.watchers, 1))
        var notices: [DeliveryNotice] = []
        var bytes = 0
        for change in changes.changes {
            let notice = PresenceText.notice(of: change, in: channel.text)
            if case .event(_, let text) = notice { bytes += text.count }
            guard bytes <= limit else {
                counts.summaries += 1
                return PresenceBatch(
                    channel: channel, notices: [PresenceText.notice(ofCount: changes.count, in: channel.text)],
                    number: changes.number)
            }
            notices.append(notice)
        }
        let joins = changes.changes.count { $0.isArrival }
        counts.joins += joins
        counts.leaves += changes.changes.count - joins
        return PresenceBatch(channel: channel, notices: notices, number: changes.number)
    }
}

extension PresenceLink: NodeListener {
    func heard(_ text: [UInt8]) {
        guard let heard = GossipText(parsing: text) else {
            return state.logger.debug("what another node tells of its members is not known here")
        }
        let now = context.loop.nowMilliseconds
        var gossip = gossip.take()
        state.presence.update { gossip?.take(heard.message, from: heard.node, at: now, &$0) }
        self.gossip = gossip
    }

    func joined() { gossip?.connected(at: context.loop.nowMilliseconds) }
}

@available(*, unavailable)
extension PresenceLink: Sendable {}
