internal import Bytes

/// The channels that have messages of this turn; at its end it sends them to the subscribers.
///
/// It is a part of the hub, which calls it and is not called by it.
struct FanOut {
    private var dirtyChannels: [Channel] = []
    private var receivedNanoseconds: [UInt64] = []
    /// The number of channels in the last run that had several messages.
    private(set) var busyChannelCount = 0

    /// Whether channels have messages that no run has sent.
    var hasDirtyChannels: Bool { !dirtyChannels.isEmpty }

    /// Adds a message to this turn's messages of a channel.
    mutating func append(_ message: Message, to channel: Channel, _ subscribers: inout Subscribers) {
        let isFirst = channel.append(message, &subscribers.writer) {
            subscribers.pool.batch(.messages, of: channel)
        }
        if isFirst { dirtyChannels.append(channel) }
    }

    /// Sends the messages of this turn.
    ///
    /// - Parameter holdingBusy: keeps channels that had several messages in their last run for a later one.
    mutating func run(holdingBusy: Bool, _ subscribers: inout Subscribers) {
        busyChannelCount = 0
        // A message for a few subscribers does not wait for one for thousands.
        for channel in dirtyChannels where channel.subscriberCount <= PreparedWrites.capacity {
            send(channel, unlessBusy: holdingBusy, &subscribers)
        }
        for channel in dirtyChannels { send(channel, unlessBusy: holdingBusy, &subscribers) }
        dirtyChannels.removeAll { !$0.isDirty }
        subscribers.finishBatches()
    }

    private mutating func send(_ channel: Channel, unlessBusy: Bool, _ subscribers: inout Subscribers) {
        guard channel.isDirty, !(unlessBusy && channel.isBusy) else { return }
        channel.markClean(receivedNanoseconds: &receivedNanoseconds)
        for index in 0..<channel.audienceCount {
            guard let (batch, slots, starts) = channel.takeBatch(ofAudience: index) else { continue }
            subscribers.send(batch, to: slots, startingAt: starts)
        }
        if channel.isBusy { busyChannelCount += 1 }
    }

    /// Returns when the messages of the last runs were received, in nanoseconds.
    mutating func takeReceivedNanoseconds() -> [UInt64] {
        guard !receivedNanoseconds.isEmpty else { return [] }
        defer { receivedNanoseconds.removeAll(keepingCapacity: true) }
        return receivedNanoseconds
    }
}
