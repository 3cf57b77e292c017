internal import Bytes

/// What goes out on the subscriber link.
enum SubscriptionCommand: Equatable {
    case subscribe([String])
    case unsubscribe([String])
}

/// The bookkeeping of subscriptions: which channels are wanted here, which are asked of Redis, which it has confirmed.
///
/// Knows no connection and no clock: times are milliseconds that never go back, commands are returned, replies are
/// passed in. Every operation costs the channels it concerns; only the loss and the return of the link touch all.
///
/// Redis answers a connection's commands in order, and a channel is given up only after all its names were confirmed.
/// So the replies of a channel are those of its latest SUBSCRIBE, and counting them is enough.
struct SubscriptionLedger {
    private enum Phase: Equatable {
        case unsent
        case requested(missingReplies: Int)
        case confirmed
    }

    private struct Entry {
        var phase = Phase.unsent
        /// A client waits for its confirmation.
        var isAwaited = false
        /// When it is settled or late without confirmation.
        var confirmBy: UInt64?
        var isLate = false
        /// When it is given up; nil while it has subscribers.
        var lingerUntil: UInt64?
    }

    /// A delay that runs; delays of one length expire in the order in which they began.
    ///
    /// A delay that was lifted stays in its queue: it counts while its entry still names this very deadline.
    private struct Delay {
        let name: ByteName
        let deadline: UInt64
    }

    static let namesPerCommand = 500

    private let map: RedisChannelMap
    private let confirmMilliseconds: UInt64
    private let lingerMilliseconds: UInt64
    private var entries: [ByteName: Entry] = [:]
    private var isLinked = false
    private var isAway = false
    private var unsent: [ByteName] = []
    private var leaving: [String] = []
    private var confirmations = FIFO<Delay>()
    private var departures = FIFO<Delay>()

    /// How many channels Redis has confirmed on this connection.
    private(set) var confirmedCount = 0
    /// How many channels are overdue for confirmation.
    private(set) var lateCount = 0

    init(map: RedisChannelMap, confirmMilliseconds: UInt64, lingerMilliseconds: UInt64) {
        self.map = map
        self.confirmMilliseconds = confirmMilliseconds
        self.lingerMilliseconds = lingerMilliseconds
    }

    /// How many channels are kept, those that linger included.
    var count: Int { entries.count }

    /// Whether `takeCommands()` has something to send.
    var hasCommands: Bool { isLinked && !(unsent.isEmpty && leaving.isEmpty) }

    /// Wants a channel.
    ///
    /// - Returns: true if it is confirmed; false if the channel will be settled.
    mutating func subscribe(_ channel: String, at now: UInt64) -> Bool {
        let name = ByteName(channel)
        guard var entry = entries[name] ?? join(name) else { return true }
        entry.lingerUntil = nil
        if entry.phase != .confirmed, !entry.isAwaited {
            entry.isAwaited = true
            // A deadline that runs already belongs to the same request.
            if entry.confirmBy == nil {
                awaitConfirmation(&entry, name, until: isAway ? now : now + confirmMilliseconds)
            }
        }
        entries[name] = entry
        return entry.phase == .confirmed
    }

    /// Whether Redis has confirmed a channel on this connection.
    func isConfirmed(_ channel: String) -> Bool {
        entries[ByteName(channel)]?.phase == .confirmed
    }

    /// Wants a channel no longer; it is kept for the linger time.
    mutating func unsubscribe(_ channel: String, at now: UInt64) {
        let name = ByteName(channel)
        guard var entry = entries[name], entry.lingerUntil == nil else { return }
        entry.isAwaited = false
        linger(&entry, name, until: now + lingerMilliseconds)
        entries[name] = entry
    }

    /// Redis has confirmed one of the channel's names.
    ///
    /// - Returns: whether the channel is settled by this.
    mutating func confirmOne(of channel: String) -> Bool {
        let name = ByteName(channel)
        guard var entry = entries[name], case .requested(let missing) = entry.phase else { return false }
        defer { entries[name] = entry }
        entry.phase = .requested(missingReplies: missing - 1)
        guard missing <= 1 else { return false }
        return confirm(&entry)
    }

    /// A subscriber connection is ready: everything is to be subscribed on it.
    mutating func linkReady(at now: UInt64) {
        isLinked = true
        isAway = false
        unsent = Array(entries.keys)
        for name in unsent {
            guard var entry = entries[name], entry.confirmBy == nil else { continue }
            awaitConfirmation(&entry, name, until: now + confirmMilliseconds)
            entries[name] = entry
        }
    }

    /// The subscriber connection broke: nothing is confirmed any more.
    ///
    /// Clients that wait keep their deadlines.
    mutating func linkLost() {
        isLinked = false
        unsent = []
        leaving = []
        confirmedCount = 0
        lateCount = 0
        entries = entries.mapValues { entry in
            var entry = entry
            entry.phase = .unsent
            entry.isLate = false
            if !entry.isAwaited { entry.confirmBy = nil }
            return entry
        }
    }

    /// An attempt to reach Redis failed: until one succeeds, nobody is made to wait.
    ///
    /// - Returns: the channels that are settled by this.
    mutating func redisAway() -> [String] {
        isAway = true
        return expireConfirmations(at: .max)
    }

    /// Lets time pass.
    ///
    /// - Returns: the channels that are settled because their time is up.
    mutating func advance(to now: UInt64) -> [String] {
        expireDepartures(at: now)
        return expireConfirmations(at: now)
    }

    /// When `advance(to:)` has something to do.
    mutating func nextDeadline() -> UInt64? {
        while let delay = confirmations.first, !isCurrentConfirmation(delay) { _ = confirmations.popFirst() }
        while let delay = departures.first, !isCurrentDeparture(delay) { _ = departures.popFirst() }
        guard let confirmation = confirmations.first, let departure = departures.first else {
            return confirmations.first?.deadline ?? departures.first?.deadline
        }
        return min(confirmation.deadline, departure.deadline)
    }

    /// The commands that bring Redis up to date, to be sent in this order; empty without a link.
    mutating func takeCommands() -> [SubscriptionCommand] {
        guard hasCommands else { return [] }
        var joining: [String] = []
        for name in unsent {
            // The same name may have been queued, given up and queued again.
            guard var entry = entries[name], entry.phase == .unsent else { continue }
            let names = map.redisChannels(for: name.text)
            entry.phase = .requested(missingReplies: names.count)
            entries[name] = entry
            joining += names
        }
        defer {
            unsent = []
            leaving = []
        }
        return SubscriptionLedger.batches(leaving).map { .unsubscribe($0) }
            + SubscriptionLedger.batches(joining).map { .subscribe($0) }
    }
}

extension SubscriptionLedger {
    private mutating func confirm(_ entry: inout Entry) -> Bool {
        entry.phase = .confirmed
        entry.confirmBy = nil
        confirmedCount += 1
        if entry.isLate { lateCount -= 1 }
        entry.isLate = false
        defer { entry.isAwaited = false }
        return entry.isAwaited
    }

    private func isCurrentConfirmation(_ delay: Delay) -> Bool { entries[delay.name]?.confirmBy == delay.deadline }
    private func isCurrentDeparture(_ delay: Delay) -> Bool { entries[delay.name]?.lingerUntil == delay.deadline }

    /// A new entry; nil if no Redis channel leads to this channel, so that there is nothing to wait for.
    private mutating func join(_ name: ByteName) -> Entry? {
        guard !map.redisChannels(for: name.text).isEmpty else { return nil }
        if isLinked { unsent.append(name) }
        return Entry()
    }

    private mutating func awaitConfirmation(_ entry: inout Entry, _ name: ByteName, until deadline: UInt64) {
        entry.confirmBy = deadline
        confirmations.append(Delay(name: name, deadline: deadline))
    }

    private mutating func linger(_ entry: inout Entry, _ name: ByteName, until deadline: UInt64) {
        entry.lingerUntil = deadline
        departures.append(Delay(name: name, deadline: deadline))
    }

    private mutating func expireConfirmations(at now: UInt64) -> [String] {
        var settled: [String] = []
        while let delay = confirmations.first, delay.deadline <= now || !isCurrentConfirmation(delay) {
            _ = confirmations.popFirst()
            guard isCurrentConfirmation(delay), var entry = entries[delay.name] else { continue }
            entry.confirmBy = nil
            if isLinked, !entry.isLate {
                entry.isLate = true
                lateCount += 1
            }
            if entry.isAwaited { settled.append(delay.name.text) }
            entry.isAwaited = false
            entries[delay.name] = entry
        }
        return settled
    }

    private mutating func expireDepartures(at now: UInt64) {
        while let delay = departures.first, delay.deadline <= now || !isCurrentDeparture(delay) {
            _ = departures.popFirst()
            guard isCurrentDeparture(delay), var entry = entries[delay.name] else { continue }
            if case .requested = entry.phase {
                // Given up now, its replies would be taken for those of a later SUBSCRIBE.
                linger(&entry, delay.name, until: now + lingerMilliseconds)
                entries[delay.name] = entry
            } else {
                giveUp(delay.name, entry)
            }
        }
    }

    private mutating func giveUp(_ name: ByteName, _ entry: Entry) {
        entries[name] = nil
        if entry.isLate { lateCount -= 1 }
        guard entry.phase == .confirmed else { return }
        confirmedCount -= 1
        leaving += map.redisChannels(for: name.text)
    }

    private static func batches(_ names: [String]) -> [[String]] {
        stride(from: 0, to: names.count, by: namesPerCommand).map {
            Array(names[$0..<min($0 + namesPerCommand, names.count)])
        }
    }
}
