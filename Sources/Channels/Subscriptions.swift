internal import Bytes

/// Who is subscribed to what, of the connections of one loop.
///
/// A connection gets each message once, whatever it is subscribed to. So a subscription that is included in a wildcard
/// of the same connection is covered: it counts, and the wildcard alone brings the messages.
///
/// It is a part of the hub, which calls it and is not called by it.
struct Subscriptions {
    let channels: ChannelTable
    /// The number of subscriptions.
    private(set) var count = 0

    init(channels: ChannelTable) { self.channels = channels }

    /// Subscribes a connection to a channel that it is not subscribed to.
    mutating func add(_ slot: UInt32, _ channel: Channel, _ subscribers: inout Subscribers) {
        let position =
            isCovered(slot, channel, subscribers)
            ? cover(slot, channel) : channel.add(slot, subscribers[slot].form)
        subscribers[slot].add(Subscriber.Membership(channel: channel.index, position: position))
        count += 1
        if channel.isWildcard { coverChannels(of: slot, by: channel, &subscribers) }
    }

    /// Ends a subscription; returns false if there is none.
    mutating func remove(_ slot: UInt32, _ channel: Channel, _ subscribers: inout Subscribers) -> Bool {
        guard let position = subscribers[slot].position(in: channel.index) else { return false }
        removeFromAudience(slot, channel, at: position, &subscribers)
        subscribers[slot].remove(from: channel.index)
        count -= 1
        if channel.isWildcard { uncoverChannels(of: slot, &subscribers) }
        if channel.isEmpty { channels.close(channel) }
        return true
    }

    /// Whether a connection is in the list of a channel or wildcard that brings it the messages.
    func isListed(_ slot: UInt32, _ channel: Channel, _ subscribers: borrowing Subscribers) -> Bool {
        guard let position = subscribers[slot].position(in: channel.index) else { return false }
        return position != Subscriber.Membership.covered
    }

    /// Whether a connection has a wildcard that a channel, or another wildcard, belongs to.
    func isCovered(_ slot: UInt32, _ channel: Channel, _ subscribers: borrowing Subscribers) -> Bool {
        !channels.wildcards.isEmpty && hasWildcard(slot, of: channel.name, subscribers)
    }

    /// Whether a connection has a wildcard that brings it the messages of a channel.
    func hasWildcard(_ slot: UInt32, of name: String, _ subscribers: borrowing Subscribers) -> Bool {
        for wildcard in channels.wildcards(of: name) where subscribers[slot].position(in: wildcard.index) != nil {
            return true
        }
        return false
    }

    /// Takes a connection out of a channel's list; what was published before in this turn is still delivered.
    private func removeFromAudience(
        _ slot: UInt32, _ channel: Channel, at position: UInt32, _ subscribers: inout Subscribers
    ) {
        guard position != Subscriber.Membership.covered else {
            channel.covered.remove(slot)
            return
        }
        channel.queueUnsent(to: slot, &subscribers)
        if let moved = channel.remove(at: position, subscribers[slot].form) {
            subscribers[moved].move(in: channel.index, to: position)
        }
    }
}

// MARK: - Covered subscriptions

extension Subscriptions {
    /// Notes a subscription that is covered, and returns its position.
    private func cover(_ slot: UInt32, _ channel: Channel) -> UInt32 {
        channel.covered.insert(slot)
        return Subscriber.Membership.covered
    }

    /// Covers the subscriptions of a connection that belong to a wildcard that it has joined.
    private func coverChannels(of slot: UInt32, by wildcard: Channel, _ subscribers: inout Subscribers) {
        let name = ByteName(wildcard.name)
        for index in subscribers[slot].channels {
            guard let channel = channels[index], let position = subscribers[slot].position(in: index),
                isListed(slot, channel, subscribers), channels.wildcards.matches(channel.name).contains(name)
            else { continue }
            removeFromAudience(slot, channel, at: position, &subscribers)
            subscribers[slot].move(in: index, to: cover(slot, channel))
        }
    }

    /// Lets the subscriptions of a connection that are not covered any more bring their messages themselves.
    private func uncoverChannels(of slot: UInt32, _ subscribers: inout Subscribers) {
        for index in subscribers[slot].channels {
            guard let channel = channels[index], channel.covered.contains(slot),
                !isCovered(slot, channel, subscribers)
            else { continue }
            channel.covered.remove(slot)
            subscribers[slot].move(in: index, to: channel.add(slot, subscribers[slot].form))
        }
    }
}
