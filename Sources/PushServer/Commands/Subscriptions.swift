internal import Broker
internal import Bytes
internal import Channels
internal import WSLoop

/// The subscriptions of one loop's connections, and the connections that wait until a channel is confirmed.
///
/// A channel is acquired for a connection before the connection joins it, and released once: when the connection
/// leaves, or when it abandons the channel. The broker knows the channels that the process has acquired.
final class Subscriptions {
    private let hub: Hub
    private let directory: ChannelDirectory
    private let broker: any Broker
    private let loop: Int
    private let notes: EventNotes?
    private let presence: LoopPresence?
    private(set) var waiting: [ByteName: [StreamKey]] = [:]

    /// - Parameters:
    ///   - notes: is told of each subscription that begins and ends; nil if nobody wants to know it.
    ///   - presence: is told of each one that ends.
    init(
        _ hub: Hub, _ directory: ChannelDirectory, _ broker: any Broker, loop: Int, notes: EventNotes? = nil,
        presence: LoopPresence? = nil
    ) {
        (self.hub, self.directory, self.broker, self.loop) = (hub, directory, broker, loop)
        (self.notes, self.presence) = (notes, presence)
    }

    /// Acquires channels for a connection.
    ///
    /// - Returns: how many of them are not confirmed yet; `takeWaiting` names the connection when one is.
    func acquire(_ channels: [String], for key: StreamKey) -> Int {
        var unconfirmed = 0
        for channel in channels where !directory.acquire(channel, loop: loop) && !broker.subscribe(channel) {
            unconfirmed += 1
            waiting[ByteName(channel), default: []].append(key)
        }
        notes?.entered(channels, key)
        return unconfirmed
    }

    /// Hands over the connections that wait for a channel, which need not wait for it any longer.
    func takeWaiting(for channel: String) -> [StreamKey] { waiting.removeValue(forKey: ByteName(channel)) ?? [] }

    /// Gives back channels that were acquired for a connection and are not joined.
    func abandon(_ channels: [String], for key: StreamKey) {
        for channel in channels {
            stopWaiting(for: channel, key)
            release(channel, of: key.slot)
        }
    }

    private func stopWaiting(for channel: String, _ key: StreamKey) {
        let name = ByteName(channel)
        waiting[name]?.removeAll { $0 == key }
        // Without subscribers the channel is not confirmed any more, and nothing else would remove its entry.
        if waiting[name]?.isEmpty == true { waiting[name] = nil }
    }

    /// Has a channel followed for a connection that only reads its history.
    ///
    /// - Returns: whether it is confirmed; if not, `takeWaiting` names the connection when it is.
    func borrow(_ channel: String, for key: StreamKey) -> Bool {
        guard !directory.acquire(channel, loop: loop), !broker.subscribe(channel) else { return true }
        waiting[ByteName(channel), default: []].append(key)
        return false
    }

    /// Gives back a borrowed channel.
    func giveBack(_ channel: String, of key: StreamKey) {
        stopWaiting(for: channel, key)
        if directory.release(channel, loop: loop) { broker.unsubscribe(channel) }
    }

    /// Ends a subscription, if there is one.
    func leave(_ slot: UInt32, _ channel: String) {
        if hub.leave(slot, channel) { release(channel, of: slot) }
    }

    /// Ends all subscriptions of a connection.
    func leaveAll(_ slot: UInt32) {
        let channels = hub.channelNames(of: slot)
        hub.leaveAll(slot)
        for channel in channels { release(channel, of: slot) }
    }

    /// Ends all subscriptions of a connection but some.
    func leaveAll(_ slot: UInt32, but kept: [String]) {
        let kept = Set(kept.map { ByteName($0) })
        for channel in hub.channelNames(of: slot) where !kept.contains(ByteName(channel)) { leave(slot, channel) }
    }

    private func release(_ channel: String, of slot: UInt32) {
        notes?.exited(channel, slot)
        presence?.left(slot, channel)
        if directory.release(channel, loop: loop) { broker.unsubscribe(channel) }
    }
}

@available(*, unavailable)
extension Subscriptions: Sendable {}
