internal import Bytes

/// The connections and channels of one loop.
///
/// Publishing only marks: `deliver` appends to a channel's batch and writes nothing. `flush`, at the end of the loop's
/// turn, writes once to each marked connection. Confined to its loop's thread; does no I/O itself.
///
/// Its parts: `ChannelTable` has the channels, `Subscriptions` knows who is subscribed to them, `FanOut` has the
/// messages of a turn, and `Subscribers` what is queued for each connection and what the kernel accepts.
public final class Hub {
    /// The channels that have subscribers on this loop.
    public let channels: ChannelTable
    // Unchecked (docs/decisions/0009): touched for each delivery, where the check costs more than the access.
    @safe @exclusivity(unchecked) var subscribers: Subscribers
    @safe @exclusivity(unchecked) var subscriptions: Subscriptions
    @safe @exclusivity(unchecked) var fanOut = FanOut()
    /// Of the subscribers whose messages have one, by slot.
    @safe @exclusivity(unchecked) var prefixes: [UInt32: any MessagePrefix] = [:]
    @safe @exclusivity(unchecked) var conflater = Conflater()
    /// A nested flush would empty the lists of the outer one, so it traps.
    var isFlushing = false

    /// Makes an empty hub.
    ///
    /// - Parameters:
    /// - outboxLimitBytes: the most message bytes that may be queued for one connection.
    /// - policies: which messages to drop when the limit is reached.
    /// - encoders: the encoders, by the index in a `WireForm`; nil for the published bytes unchanged, in a text frame
    ///   if they are valid UTF-8, else in a binary one.
    public init(
        outboxLimitBytes: Int, policies: SlowConsumerPolicies = SlowConsumerPolicies(),
        encoders: [(any MessageEncoder)?] = [nil]
    ) {
        subscribers = Subscribers(outboxLimitBytes: outboxLimitBytes, encoders: encoders)
        channels = ChannelTable(policies: policies)
        subscriptions = Subscriptions(channels: channels)
    }

    /// Sets other limits: for channels that are opened from now on, and at once for each connection's queue.
    ///
    /// `ChannelTable.refreshPolicy` does it for the channels that there are, a few at a time.
    public func setLimits(outboxLimitBytes: Int, policies: SlowConsumerPolicies) {
        subscribers.outboxLimitBytes = outboxLimitBytes
        channels.policies = policies
    }

    /// Sets the transport, which must outlive the hub's use.
    public func attach(_ transport: any HubTransport) {
        subscribers.transport = transport
    }

    /// Adds a message for its channel's subscribers on this loop, and those of its wildcards; nothing is written before
    /// `flush`.
    public func deliver(_ message: Message) {
        if let channel = channels[message.channel] { deliver(message, by: channel) }
        guard !channels.wildcards.isEmpty else { return }
        for wildcard in channels.wildcards(of: message.channel) { deliver(message, by: wildcard) }
    }

    private func deliver(_ message: Message, by channel: Channel) {
        fanOut.append(message, to: channel, &subscribers)
        if !prefixes.isEmpty { sendPrefixed(message, of: channel) }
    }

    /// Adds a message for its channel's subscribers, and those of its wildcards, except some.
    public func deliver(_ message: Message, except slots: [UInt32]) {
        if let channel = channels[message.channel] { deliver(message, by: channel, except: slots) }
        for wildcard in channels.wildcards(of: message.channel) { deliver(message, by: wildcard, except: slots) }
    }

    private func deliver(_ message: Message, by channel: Channel, except slots: [UInt32]) {
        let excluded = Set(slots.filter { subscriptions.isListed($0, channel, subscribers) })
        for slot in excluded { channel.queueUnsent(to: slot, &subscribers) }
        fanOut.append(message, to: channel, &subscribers)
        for slot in excluded { channel.skip(slot, subscribers[slot].form) }
        if !prefixes.isEmpty { sendPrefixed(message, of: channel, except: excluded) }
    }

    /// Queues a message for each subscriber of a channel that has a prefix of its own.
    private func sendPrefixed(_ message: Message, of channel: Channel, except excluded: Set<UInt32> = []) {
        for index in 0..<channel.audienceCount {
            let (form, slots) = channel.audience(index)
            guard subscribers.writer.isPrefixed(form) else { continue }
            for slot in slots where !excluded.contains(slot) { send([message], to: slot, of: channel) }
        }
    }

    /// Sends a notice to a channel's subscribers whose protocol has one, after the messages so far.
    public func tell(_ notice: DeliveryNotice, of name: String) {
        guard let channel = channels[name] else { return }
        for index in 0..<channel.audienceCount {
            let (form, slots) = channel.audience(index)
            guard !slots.isEmpty, let text = subscribers.writer.text(of: notice, in: name, form) else { continue }
            for slot in slots {
                channel.queueUnsent(to: slot, &subscribers)
                channel.skip(slot, form)
                subscribers.reply(slot, text: text)
            }
        }
        for slot in channel.covered { tellCovered(slot, notice, of: channel) }
    }

    /// Sends a notice to a subscriber that is covered, after the messages so far.
    private func tellCovered(_ slot: UInt32, _ notice: DeliveryNotice, of channel: Channel) {
        let form = subscribers[slot].form
        guard let text = subscribers.writer.text(of: notice, in: channel.name, form) else { return }
        for wildcard in channels.wildcards(of: channel.name)
        where subscriptions.isListed(slot, wildcard, subscribers) {
            wildcard.queueUnsent(to: slot, &subscribers)
            wildcard.skip(slot, form)
        }
        subscribers.reply(slot, text: text)
    }
}

// MARK: - The end of a turn

extension Hub {
    /// Writes everything that was marked; call it once at the end of each turn of the loop.
    ///
    /// - Parameter holdingBusy: keeps channels that had several messages in their last flush for a later one, so that
    ///   more messages leave together.
    ///
    /// `nextEvent` returns what the flush found out about connections.
    public func flush(holdingBusy: Bool = false) {
        precondition(!isFlushing, "Hub: a flush was entered twice")
        isFlushing = true
        fanOut.run(holdingBusy: holdingBusy, &subscribers)
        subscribers.writeMarked()
        isFlushing = false
    }

    /// Whether the last flush kept channels for a later one.
    public var holdsChannels: Bool { fanOut.hasDirtyChannels }

    /// The number of channels in the last flush that had several messages.
    public var busyChannelsFlushed: Int { fanOut.busyChannelCount }

    /// Returns when the messages of the last flushes were received, in nanoseconds.
    public func takeReceivedNanoseconds() -> [UInt64] { fanOut.takeReceivedNanoseconds() }
}

@available(*, unavailable)
extension Hub: Sendable {}
