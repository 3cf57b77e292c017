extension Hub {
    /// Subscribes a connection to a channel.
    ///
    /// - Parameter past: messages of the channel's history that the connection gets first.
    /// - Returns: false if it was already subscribed.
    @discardableResult
    public func join(_ slot: UInt32, _ name: String, after past: [Message] = []) -> Bool {
        let channel = channels[name] ?? channels.open(name)
        guard subscribers[slot].position(in: channel.index) == nil else { return false }
        if !past.isEmpty { send(past, to: slot, of: channel) }
        subscriptions.add(slot, channel, &subscribers)
        conflater.joined(slot, name)
        return true
    }

    /// Ends a subscription.
    ///
    /// - Returns: false if it was not subscribed.
    @discardableResult
    public func leave(_ slot: UInt32, _ name: String) -> Bool {
        guard let channel = channels[name] else { return false }
        return subscriptions.remove(slot, channel, &subscribers)
    }

    /// Ends all subscriptions of a connection.
    public func leaveAll(_ slot: UInt32) {
        while let index = subscribers[slot].lastChannel, let channel = channels[index] {
            _ = subscriptions.remove(slot, channel, &subscribers)
        }
    }

    /// Whether a connection is subscribed to a channel.
    public func isMember(_ slot: UInt32, of name: String) -> Bool {
        guard let channel = channels[name] else { return false }
        return subscribers[slot].position(in: channel.index) != nil
    }

    /// Whether a connection gets the messages of a channel, by its name or by a wildcard.
    public func receives(_ slot: UInt32, _ name: String) -> Bool {
        isMember(slot, of: name) || subscriptions.hasWildcard(slot, of: name, subscribers)
    }

    /// The number of subscriptions.
    public var subscriptionCount: Int { subscriptions.count }

    /// The number of channels that a connection is subscribed to.
    public func channelCount(of slot: UInt32) -> Int {
        subscribers[slot].channelCount
    }

    /// The channels a connection is subscribed to.
    public func channelNames(of slot: UInt32) -> [String] {
        subscribers[slot].channels.compactMap { channels[$0]?.name }
    }

    /// The number of channels with subscribers on this loop.
    public var channelCount: Int { channels.count }

    /// A connection's share of its channels' memory, which their subscribers share.
    public func channelBytes(of slot: UInt32) -> Int {
        subscribers[slot].channels.reduce(0) { sum, index in
            guard let channel = channels[index] else { return sum }
            return sum + ChannelTable.bytes(ofChannelNamed: channel.name) / max(channel.subscriberCount, 1)
        }
    }
}
