internal import Bytes

/// A shard's subscription to the channel on which nodes tell each other something.
struct NodeSubscription {
    /// How much longer than the largest payload a node's text may be.
    static let headBytes = 2048

    let channel: ByteName
    /// Whether Redis has confirmed it on this link.
    var isConfirmed = false
    /// Whether Redis has refused it since it was last confirmed, and that was reported.
    var isRefused = false

    init(_ channel: String) {
        self.channel = ByteName(channel)
    }
}

extension RedisShard {
    /// Subscribes to the nodes' channel, here and on every new link, while the server has it.
    func joinNodes() {
        nodes = NodeSubscription(ledger.names.map.nodeChannel)
        followNodes()
    }

    func isNodeChannel(_ name: RawSpan) -> Bool { nodes?.channel.hasBytes(name) == true }

    /// Subscribes unless that was confirmed; unsubscribes if the channel's slot has moved to another server.
    func followNodes() {
        guard let nodes else { return }
        let name = nodes.channel.text
        if ledger.names.has(name) {
            if !nodes.isConfirmed { subscriber.send(SubscriptionCommand(.subscribe, [name])) }
        } else if nodes.isConfirmed {
            self.nodes?.isConfirmed = false
            subscriber.send(SubscriptionCommand(.unsubscribe, [name]))
        }
    }

    /// Redis confirmed the channel; it may do so twice.
    func nodesConfirmed() {
        guard nodes?.isConfirmed == false else { return }
        nodes?.isConfirmed = true
        nodes?.isRefused = false
        notify { $0.shardJoinedNodes(self) }
    }

    /// Redis ended the subscription, because the channel's slot has moved: its answer says where to.
    func nodesUnsubscribed() {
        nodes?.isConfirmed = false
        followNodes()
    }

    /// The next probe's time is the next attempt.
    func nodesRefused(_ text: String) {
        if let redirection = ClusterRedirection(error: text) {
            return notify { $0.shard(self, redirected: redirection) }
        }
        guard nodes?.isRefused == false else { return }
        nodes?.isRefused = true
        notify { $0.shard(self, refusedNodes: text) }
    }
}
