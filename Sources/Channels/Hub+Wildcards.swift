internal import Bytes

// A connection gets each message once, whatever it is subscribed to. So a subscription that is included in a wildcard
// of the same connection is covered: it counts, and the wildcard alone brings the messages.
extension Hub {
    /// Whether a connection has a wildcard that a channel, or another wildcard, belongs to.
    func isCovered(_ slot: UInt32, _ channel: Channel) -> Bool {
        guard !channels.wildcards.isEmpty else { return false }
        return channels.wildcards(of: channel.name).contains { subscribers[slot].position(in: $0.index) != nil }
    }

    /// Whether a connection gets the messages of a channel, by its name or by a wildcard.
    public func receives(_ slot: UInt32, _ name: String) -> Bool {
        isMember(slot, of: name)
            || channels.wildcards(of: name).contains { subscribers[slot].position(in: $0.index) != nil }
    }

    /// Whether a connection is in the list of a channel or wildcard that brings it the messages.
    func isListed(_ slot: UInt32, _ channel: Channel) -> Bool {
        guard let position = subscribers[slot].position(in: channel.index) else { return false }
        return position != Subscriber.Membership.covered
    }

    /// Notes a subscription that is covered, and returns its position.
    func cover(_ slot: UInt32, _ channel: Channel) -> UInt32 {
        channel.covered.insert(slot)
        return Subscriber.Membership.covered
    }

    /// Covers the subscriptions of a connection that belong to a wildcard that it has joined.
    func coverChannels(of slot: UInt32, by wildcard: Channel) {
        let name = ByteName(wildcard.name)
        for index in subscribers[slot].channels {
            guard let channel = channels[index], let position = subscribers[slot].position(in: index),
                isListed(slot, channel), channels.wildcards.matches(channel.name).contains(name)
            else { continue }
            removeFromAudience(slot, channel, at: position)
            subscribers[slot].move(in: index, to: cover(slot, channel))
        }
    }

    /// Lets the subscriptions of a connection that are not covered any more bring their messages themselves.
    func uncoverChannels(of slot: UInt32) {
        for index in subscribers[slot].channels {
            guard let channel = channels[index], channel.covered.contains(slot), !isCovered(slot, channel) else {
                continue
            }
            channel.covered.remove(slot)
            subscribers[slot].move(in: index, to: channel.add(slot, subscribers[slot].form))
        }
    }

    /// Takes a connection out of a channel's list; what was published before in this turn is still delivered.
    func removeFromAudience(_ slot: UInt32, _ channel: Channel, at position: UInt32) {
        guard position != Subscriber.Membership.covered else {
            channel.covered.remove(slot)
            return
        }
        queueUnsent(to: slot, channel)
        if let moved = channel.remove(at: position, subscribers[slot].form) {
            subscribers[moved].move(in: channel.index, to: position)
        }
    }

    /// Sends a notice to a subscriber that is covered, after the messages so far.
    func tellCovered(_ slot: UInt32, _ notice: DeliveryNotice, of channel: Channel) {
        let form = subscribers[slot].form
        guard let text = subscribers.writer.text(of: notice, in: channel.name, form) else { return }
        for wildcard in channels.wildcards(of: channel.name) where isListed(slot, wildcard) {
            queueUnsent(to: slot, wildcard)
            wildcard.skip(slot, form)
        }
        subscribers.reply(slot, text: text)
    }
}
