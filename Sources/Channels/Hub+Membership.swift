internal import Bytes

extension Hub {
    /// Subscribes a connection to a channel.
    ///
    /// - Returns: false if it was already subscribed.
    @discardableResult
    public func join(_ slot: UInt32, _ name: String) -> Bool {
        let channel = channel(named: name) ?? open(name)
        guard subscribers[Int(slot)].position(in: channel.index) == nil else { return false }
        let form = subscribers[Int(slot)].form
        let position = channel.add(slot, form)
        subscribers[Int(slot)].add(Subscriber.Membership(channel: channel.index, position: position))
        memberships += 1
        return true
    }

    /// Ends a subscription.
    ///
    /// - Returns: false if it was not subscribed.
    @discardableResult
    public func leave(_ slot: UInt32, _ name: String) -> Bool {
        guard let channel = channel(named: name) else { return false }
        return leave(slot, channel)
    }

    /// Ends all subscriptions of a connection.
    public func leaveAll(_ slot: UInt32) {
        while let index = subscribers[Int(slot)].lastChannel, let channel = channels[Int(index)] {
            leave(slot, channel)
        }
    }

    /// Whether a connection is subscribed to a channel.
    public func isMember(_ slot: UInt32, of name: String) -> Bool {
        guard let channel = channel(named: name) else { return false }
        return subscribers[Int(slot)].position(in: channel.index) != nil
    }

    /// The number of channels that a connection is subscribed to.
    public func channelCount(of slot: UInt32) -> Int {
        subscribers[Int(slot)].channelCount
    }

    /// The channels a connection is subscribed to.
    public func channelNames(of slot: UInt32) -> [String] {
        subscribers[Int(slot)].channels.compactMap { channels[Int($0)]?.name }
    }

    /// One more than the highest index of a channel.
    public var channelIndexEnd: Int { channels.count }

    /// The name of the channel with an index; nil if there is none now.
    public func channelName(at index: Int) -> String? { channels[index]?.name }

    /// How many connections of this loop are subscribed to a channel.
    public func subscriberCount(of name: String) -> Int { channel(named: name)?.subscriberCount ?? 0 }

    /// The memory of a channel here and in the directory: its name, objects and table entries (measured: 420 to 480
    /// bytes).
    public static func bytes(ofChannelNamed name: String) -> Int { 512 + name.utf8.count }

    /// A connection's share of its channels' memory, which their subscribers share.
    public func channelBytes(of slot: UInt32) -> Int {
        subscribers[Int(slot)].channels.reduce(0) { sum, index in
            guard let channel = channels[Int(index)] else { return sum }
            return sum + Hub.bytes(ofChannelNamed: channel.name) / max(channel.subscriberCount, 1)
        }
    }

    func channel(named name: String) -> Channel? {
        channelByName[ByteName(name)]
    }

    @discardableResult
    private func leave(_ slot: UInt32, _ channel: Channel) -> Bool {
        guard let position = subscribers[Int(slot)].position(in: channel.index) else { return false }
        // This turn's messages were published before the leave, so they are still delivered.
        queueUnsent(to: slot, channel)
        let form = subscribers[Int(slot)].form
        subscribers[Int(slot)].remove(from: channel.index)
        if let moved = channel.remove(at: position, form) {
            subscribers[Int(moved)].move(in: channel.index, to: position)
        }
        memberships -= 1
        if channel.isEmpty { close(channel) }
        return true
    }

    private func open(_ name: String) -> Channel {
        let index: UInt32
        if let free = freeChannels.popLast() {
            index = free
        } else {
            index = UInt32(channels.count)
            channels.append(nil)
        }
        let channel = Channel(name: name, index: index, policy: policies.policy(of: name))
        channels[Int(index)] = channel
        channelByName[ByteName(name)] = channel
        channelBytes += Hub.bytes(ofChannelNamed: name)
        return channel
    }

    private func close(_ channel: Channel) {
        channels[Int(channel.index)] = nil
        channelByName[ByteName(channel.name)] = nil
        channelBytes -= Hub.bytes(ofChannelNamed: channel.name)
        freeChannels.append(channel.index)
    }
}
