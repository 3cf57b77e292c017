public import Bytes
internal import Synchronization

/// Knows which loops have subscribers of which channel; shared by all loops of the process.
///
/// Every publish passes through it, and its lock puts a channel's messages in one order: each loop receives them in the
/// order in which they passed here.
public final class ChannelDirectory: Sendable {
    private struct Entry {
        /// Subscribers on each loop, by the loop's index.
        var subscribers: [Int]
        var total = 0
        /// Whether a message published now would reach this process (the broker has confirmed the subscription).
        var isReady: Bool

        init(loops: Int, isReady: Bool) {
            subscribers = Array(repeating: 0, count: loops)
            self.isReady = isReady
        }

        /// Adds a subscriber; returns whether the channel is ready.
        mutating func add(onLoop loop: Int) -> Bool {
            subscribers[loop] += 1
            total += 1
            return isReady
        }
    }

    private struct State: Sendable {
        var entries: [ByteName: Entry] = [:]
        /// The entries that are wildcards.
        var wildcards = WildcardSet()
        var subscriptions = 0
        var histories: Histories
        var growing: GrowingMessages
        /// The channels that have got or lost subscribers; nil if nobody wants to know it.
        var counted: Set<ByteName>?

        mutating func read(_ lookup: HistoryLookup, at now: UInt64) -> HistoryReading {
            var reading =
                lookup.limits.map { histories.read(lookup.channel, $0, lookup.request, at: now) }
                ?? HistoryReading(position: nil, isRecovered: nil, messages: [])
            if reading.isRecovered != true { reading.growing = growing.whole(of: lookup.channel, at: now) }
            return reading
        }

        /// Calls `post` for each loop with subscribers of a channel or of its wildcards; returns how many these are.
        func post(to channel: String, loops: Int, _ post: (_ loop: Int) -> Void) -> Int {
            guard wildcards.isEmpty else { return postByWildcards(to: channel, loops: loops, post) }
            guard let entry = entries[ByteName(channel)] else { return 0 }
            for loop in 0..<loops where entry.subscribers[loop] > 0 { post(loop) }
            return entry.total
        }

        private func postByWildcards(to channel: String, loops: Int, _ post: (_ loop: Int) -> Void) -> Int {
            let found = ([ByteName(channel)] + wildcards.matches(channel)).compactMap { entries[$0] }
            for loop in 0..<loops where found.contains(where: { $0.subscribers[loop] > 0 }) { post(loop) }
            return found.reduce(0) { $0 + $1.total }
        }
    }

    private let loops: Int
    private let isAlwaysReady: Bool
    private let state: Mutex<State>
    /// The number of channels in which messages grow; changed under the lock.
    private let growingChannels = Atomic(0)

    /// Makes an empty directory.
    ///
    /// - Parameters:
    ///   - isAlwaysReady: true for the embedded broker, where no channel needs a confirmation.
    ///   - historyBudgetBytes: the most bytes of all channels' histories.
    ///   - historyBytesOfChannel: the most bytes of one channel's history.
    ///   - growingBytes: the most bytes of a message that grows.
    public init(
        loops: Int, isAlwaysReady: Bool, historyBudgetBytes: Int = 1 << 26, historyBytesOfChannel: Int = 1 << 20,
        growingBytes: Int = 1 << 20
    ) {
        self.loops = loops
        self.isAlwaysReady = isAlwaysReady
        state = Mutex(
            State(
                histories: Histories(budgetBytes: historyBudgetBytes, maxBytesOfChannel: historyBytesOfChannel) {
                    String(UInt64.random(in: .min ... .max), radix: 36)
                },
                growing: GrowingMessages(
                    maxBytes: growingBytes, maxBytesOfChannel: historyBytesOfChannel, budgetBytes: historyBudgetBytes)
            ))
    }

    /// Adds a subscriber on a loop.
    ///
    /// - Returns: whether the channel is ready, so that the subscription can be confirmed.
    public func acquire(_ channel: String, loop: Int) -> Bool {
        state.withLock { state in
            state.subscriptions += 1
            if channel.isWildcard { state.wildcards.insert(channel) }
            let key = ByteName(channel)
            state.counted?.insert(key)
            return state.entries[key, default: Entry(loops: loops, isReady: isAlwaysReady)].add(onLoop: loop)
        }
    }

    /// Removes a subscriber.
    ///
    /// - Returns: whether it was the process' last one for this channel.
    public func release(_ channel: String, loop: Int) -> Bool {
        state.withLock { state in
            let key = ByteName(channel)
            guard var entry = state.entries[key] else { return false }
            state.subscriptions -= 1
            state.counted?.insert(key)
            entry.subscribers[loop] -= 1
            entry.total -= 1
            state.entries[key] = entry.total > 0 ? entry : nil
            if entry.total == 0, channel.isWildcard { state.wildcards.remove(channel) }
            return entry.total == 0
        }
    }

    /// Whether the channel has subscribers in this process.
    public func isWanted(_ channel: String) -> Bool {
        state.withLock { $0.entries[ByteName(channel)] != nil }
    }

    /// How many subscribers a channel has in this process.
    public func subscribers(of channel: String) -> Int {
        state.withLock { $0.entries[ByteName(channel)]?.total ?? 0 }
    }

    /// Whether channels that get or lose subscribers are noted, beginning with those that are there.
    public func noteCounts(_ isWanted: Bool) {
        state.withLock { state in
            guard isWanted != (state.counted != nil) else { return }
            state.counted = isWanted ? Set(state.entries.keys) : nil
        }
    }

    /// Takes the channels that were noted since the last call, with their subscribers now.
    public func takeCounts() -> [(channel: ByteName, subscribers: Int)] {
        state.withLock { state in
            guard let counted = state.counted, !counted.isEmpty else { return [] }
            state.counted = []
            return counted.map { ($0, state.entries[$0]?.total ?? 0) }
        }
    }

    /// Notes that a channel is confirmed.
    public func markReady(_ channel: String) {
        state.withLock { $0.entries[ByteName(channel)]?.isReady = true }
    }

    /// Notes that no channel is confirmed any more, because the connection to the broker broke.
    public func markNothingReady() {
        state.withLock { state in
            for key in state.entries.keys { state.entries[key]?.isReady = false }
        }
    }

    /// Hands a message to each loop that has subscribers of its channel or of its wildcards.
    ///
    /// - Parameter post: puts the message into a loop's inbox; called under the lock, which defines the order.
    /// - Returns: the number of subscriptions in this process that it belongs to.
    public func publish(_ message: Message, post: (_ loop: Int) -> Void) -> Int {
        state.withLock { $0.post(to: message.channel, loops: loops, post) }
    }

    /// Numbers a message, keeps it in its channel's history, and hands it to each loop that has subscribers.
    ///
    /// - Parameters:
    ///   - make: makes the message with its place.
    ///   - post: puts the message into a loop's inbox; called under the lock, which defines the order.
    /// - Returns: the number of subscribers in this process.
    public func publish(
        to channel: String, keeping limits: HistoryLimits, at nowNanoseconds: UInt64, make: (StreamPosition) -> Message,
        post: (_ message: Message, _ loop: Int) -> Void
    ) -> Int {
        state.withLock { state in
            let message = state.histories.append(to: channel, limits, at: nowNanoseconds, make)
            return state.post(to: channel, loops: loops) { post(message, $0) }
        }
    }

    /// Whether messages of a channel grow, so that a joiner needs a reading.
    public func hasGrowing(_ channel: String) -> Bool {
        // Who could miss a first piece has taken the lock after it.
        guard growingChannels.load(ordering: .relaxed) > 0 else { return false }
        return state.withLock { $0.growing.isGrowing(channel) }
    }

    /// Appends a piece to a growing message, numbers it if its channel has a history, and hands it to each loop that
    /// has subscribers.
    ///
    /// - Parameters:
    ///   - limits: what the channel keeps; nil for nothing.
    ///   - make: makes the message with its place.
    ///   - post: puts the message into a loop's inbox; called under the lock, which defines the order.
    /// - Returns: the number of subscriptions that it belongs to, or why it was not taken.
    public func publish(
        _ part: GrowingPart, bytes: Int, to channel: String, keeping limits: HistoryLimits?,
        at nowNanoseconds: UInt64, make: (StreamPosition?) -> Message, post: (_ message: Message, _ loop: Int) -> Void
    ) -> Result<Int, GrowthRefusal> {
        state.withLock { state in
            if let refusal = state.growing.refusal(of: part.id, bytes: bytes, in: channel) { return .failure(refusal) }
            let message =
                limits.map { state.histories.append(to: channel, $0, at: nowNanoseconds) { make($0) } } ?? make(nil)
            state.growing.append(message, part)
            growingChannels.store(state.growing.channelCount, ordering: .relaxed)
            return .success(state.post(to: channel, loops: loops) { post(message, $0) })
        }
    }

    /// Keeps a message that the broker has numbered, and hands it to each loop that has subscribers.
    ///
    /// - Parameters:
    ///   - isPast: whether it is only for the history.
    ///   - post: puts the message into a loop's inbox; called under the lock, which defines the order.
    public func publish(
        _ message: Message, at position: StreamPosition, keeping limits: HistoryLimits, isPast: Bool,
        at nowNanoseconds: UInt64, post: (_ loop: Int) -> Void
    ) {
        state.withLock { state in
            let isNew = state.histories.append(message, at: position, limits, at: nowNanoseconds)
            guard isNew, !isPast else { return }
            if let part = message.part {
                state.growing.follow(message, part)
                growingChannels.store(state.growing.channelCount, ordering: .relaxed)
            }
            _ = state.post(to: message.channel, loops: loops, post)
        }
    }

    /// Sets what the growing messages of a channel have so far, as the broker says.
    public func setGrowing(_ messages: [Message], in channel: String) {
        state.withLock { state in
            state.growing.set(messages, in: channel)
            growingChannels.store(state.growing.channelCount, ordering: .relaxed)
        }
    }

    /// Begins a channel's history anew, behind a position that the broker has given.
    public func restartHistory(
        of channel: String, at position: StreamPosition, keeping limits: HistoryLimits, at nowNanoseconds: UInt64
    ) {
        state.withLock { $0.histories.restart(channel, at: position, limits, at: nowNanoseconds) }
    }

    /// Reads histories at one moment between two messages.
    ///
    /// - Parameter post: puts the readings into the inbox of the loop that asks; called under the lock, so that this
    ///   inbox already has the messages that were published before, and gets later ones after the readings.
    public func read(
        _ lookups: [HistoryLookup], at nowNanoseconds: UInt64, post: ([HistoryReading]) -> Void
    ) {
        state.withLock { state in
            post(lookups.map { state.read($0, at: nowNanoseconds) })
        }
    }

    /// Reads a channel's history for one that does not subscribe.
    public func read(_ lookup: HistoryLookup, at nowNanoseconds: UInt64) -> HistoryReading {
        state.withLock { $0.read(lookup, at: nowNanoseconds) }
    }

    /// Drops the messages of a channel's history; its numbers go on.
    public func clearHistory(of channel: String) {
        state.withLock { $0.histories.clear(channel) }
    }

    /// Drops old messages of some channels; each call goes on where the last one ended.
    public func sweepHistories(_ count: Int, at nowNanoseconds: UInt64) {
        state.withLock { state in
            let entries = state.entries
            state.histories.sweep(count, at: nowNanoseconds) { entries[$0] != nil }
            state.growing.dropIdle(at: nowNanoseconds)
            growingChannels.store(state.growing.channelCount, ordering: .relaxed)
        }
    }

    /// What the histories hold.
    public var historyCounts: HistoryCounts { state.withLock { $0.histories.counts } }

    /// The number of channels and subscriptions in this process.
    public var counts: (channels: Int, subscriptions: Int) {
        state.withLock { ($0.entries.count, $0.subscriptions) }
    }
}
