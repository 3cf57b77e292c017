internal import Bytes

/// A shard's subscription to the channel on which nodes tell each other something.
final class NodeSubscription {
    /// How much longer than the largest payload a node's text may be.
    static let headBytes = 2048

    private let channel: ByteName
    private let subscriber: RedisSubscriber
    /// Whether Redis has confirmed it on this link.
    private var isConfirmed = false
    /// Whether Redis has refused it since it was last confirmed, and that was reported.
    private var isRefused = false

    init(_ channel: String, _ subscriber: RedisSubscriber) {
        self.channel = ByteName(channel)
        self.subscriber = subscriber
    }

    func has(_ name: RawSpan) -> Bool { channel.hasBytes(name) }

    /// Subscribes unless that was confirmed; unsubscribes if the channel's slot has moved to another server.
    func follow(_ names: ChannelNames) {
        if names.has(channel.text) {
            if !isConfirmed { subscriber.send(SubscriptionCommand(.subscribe, [channel.text])) }
        } else if isConfirmed {
            isConfirmed = false
            subscriber.send(SubscriptionCommand(.unsubscribe, [channel.text]))
        }
    }

    /// The link was lost, or Redis ended the subscription.
    func lost() {
        isConfirmed = false
    }

    /// Redis confirmed the channel, which it may do twice; returns whether that is news.
    func confirmed() -> Bool {
        guard !isConfirmed else { return false }
        isConfirmed = true
        isRefused = false
        return true
    }

    /// Redis refused the channel, which is tried again with the next probe; returns whether that is news.
    func refused() -> Bool {
        defer { isRefused = true }
        return !isRefused
    }
}
