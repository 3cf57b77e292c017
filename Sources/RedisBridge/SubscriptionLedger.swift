internal import Bytes
internal import DequeModule

/// The bookkeeping of subscriptions: which channels are needed here, which were requested from Redis, and which it has
/// confirmed.
///
/// It has no connection and no clock: times are monotonic milliseconds, commands are returned, replies are passed in.
/// The cost of each operation is proportional to its channels; only losing and regaining the link touches all of them.
///
/// Redis answers a connection's commands in order, and a channel is given up only after all its names were confirmed.
/// So the replies of a channel belong to its latest SUBSCRIBE, and counting them is enough.
struct SubscriptionLedger {
    enum Phase: Equatable {
        case unsent
        case requested(missingReplies: Int)
        case confirmed
    }

    struct Entry {
        var phase = Phase.unsent
        /// Whether a client is waiting for the confirmation.
        var isAwaited = false
        /// When it counts as ready or late without a confirmation.
        var confirmBy: UInt64?
        var isLate = false
        /// When it is given up; nil while it has subscribers.
        var lingerUntil: UInt64?
        /// Since when clients that count as subscribed may miss messages; nil while they do not.
        var gapSince: UInt64?
    }

    /// A channel whose last name Redis has confirmed.
    struct Confirmation: Equatable {
        let channel: String
        /// Whether a client was waiting for it.
        let isSettled: Bool
        /// How long its subscribers may have missed messages.
        let gapMilliseconds: UInt64?
    }

    /// A channel that moves to another server.
    struct Moved {
        let channel: String
        let isAwaited: Bool
        let gapSince: UInt64?
    }

    var names: ChannelNames
    let confirmMilliseconds: UInt64
    let lingerMilliseconds: UInt64
    var entries: [ByteName: Entry] = [:]
    var isLinked = false
    private var isAway = false
    private var arePatternsConfirmed = false
    private var unsent: [ByteName] = []
    private var refused: [ByteName] = []
    var leaving: [String] = []
    /// The patterns of wildcards that are given up.
    var leavingPatterns: [String] = []
    /// The wildcards that Redis has confirmed on this connection and not ended, unless other patterns bring their
    /// messages.
    var wildcards = WildcardSet()
    /// Redis channels that are given up, and that Redis has not ended yet.
    var departing: Set<ByteName> = []
    var confirmations = Deque<Delay>()
    var departures = Deque<Delay>()

    /// The number of channels that Redis has confirmed on this connection.
    var confirmedCount = 0
    /// The number of channels whose confirmation is overdue.
    var lateCount = 0

    init(names: ChannelNames, confirmMilliseconds: UInt64, lingerMilliseconds: UInt64) {
        self.names = names
        self.confirmMilliseconds = confirmMilliseconds
        self.lingerMilliseconds = lingerMilliseconds
    }

    /// The number of channels, including those that linger.
    var count: Int { entries.count }

    /// Whether `takeCommands()` has something to send.
    var hasCommands: Bool { isLinked && !(unsent.isEmpty && leaving.isEmpty && leavingPatterns.isEmpty) }

    /// Subscribes to a channel.
    ///
    /// - Returns: true if it is confirmed; false if it will become ready later.
    mutating func subscribe(_ channel: String, at now: UInt64) -> Bool {
        let name = ByteName(channel)
        guard var entry = entries[name] ?? join(name) else { return true }
        entry.lingerUntil = nil
        if entry.phase != .confirmed, !entry.isAwaited {
            entry.isAwaited = true
            // A running deadline already belongs to the same request.
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

    /// Unsubscribes from a channel, which is kept for the linger time.
    mutating func unsubscribe(_ channel: String, at now: UInt64) {
        let name = ByteName(channel)
        guard var entry = entries[name], entry.lingerUntil == nil else { return }
        entry.isAwaited = false
        entry.gapSince = nil
        linger(&entry, name, until: now + lingerMilliseconds)
        entries[name] = entry
    }

    /// Redis confirmed one of the channel's names.
    ///
    /// - Returns: the confirmation, if that was the last name.
    mutating func confirmOne(of channel: String, at now: UInt64) -> Confirmation? {
        let name = ByteName(channel)
        guard var entry = entries[name], case .requested(let missing) = entry.phase else { return nil }
        defer { entries[name] = entry }
        entry.phase = .requested(missingReplies: missing - 1)
        return missing <= 1 ? confirm(&entry, name, at: now) : nil
    }

    /// Redis confirmed all patterns: the channels that they cover need no own subscription.
    mutating func patternsConfirmed(at now: UInt64) -> [Confirmation] {
        arePatternsConfirmed = true
        var confirmed: [Confirmation] = []
        for (name, var entry) in entries where names.areCovered(name.text) {
            switch entry.phase {
            case .requested(let missing) where missing > 1: entry.phase = .requested(missingReplies: missing - 1)
            case .unsent where !names.redisChannels(for: name.text).isEmpty, .confirmed: continue
            case .unsent, .requested: confirmed.append(confirm(&entry, name, at: now))
            }
            entries[name] = entry
        }
        return confirmed
    }

    /// Redis refused a channel; `retryRefused()` requests it again.
    mutating func refuse(_ channel: String) {
        let name = ByteName(channel)
        guard var entry = entries[name], case .requested = entry.phase else { return }
        entry.phase = .unsent
        entries[name] = entry
        refused.append(name)
    }

    /// Requests the refused channels again.
    mutating func retryRefused() {
        if isLinked { unsent += refused }
        refused = []
    }

    /// Redis itself ended a confirmed subscription, because its slot has moved.
    ///
    /// It is requested again, and the reply says where the slot is.
    mutating func revoke(_ channel: String, at now: UInt64) {
        let name = ByteName(channel)
        guard var entry = entries[name], entry.phase == .confirmed else { return }
        entry.phase = .unsent
        confirmedCount -= 1
        if entry.lingerUntil == nil { entry.gapSince = now }
        awaitConfirmation(&entry, name, until: now + confirmMilliseconds)
        entries[name] = entry
        unsent.append(name)
    }

    /// Gives a channel away to another server's ledger.
    ///
    /// - Returns: its state; nil if it is not needed any more.
    mutating func release(_ channel: String, at now: UInt64) -> Moved? {
        let name = ByteName(channel)
        guard var entry = entries.removeValue(forKey: name) else { return nil }
        if entry.isLate { lateCount -= 1 }
        if entry.phase == .confirmed {
            confirmedCount -= 1
            entry.gapSince = now
        }
        if entry.phase != .unsent, isLinked { leave(channel) }
        guard entry.lingerUntil == nil else { return nil }
        return Moved(channel: channel, isAwaited: entry.isAwaited, gapSince: entry.gapSince)
    }

    /// The channels in the ledger.
    var channels: [String] { entries.keys.map(\.text) }

    /// Whether the channel is needed here, or was a moment ago.
    func keeps(_ channel: String) -> Bool { entries[ByteName(channel)] != nil }

    /// Whether a client is waiting for the channel's confirmation.
    func isAwaited(_ channel: String) -> Bool {
        entries[ByteName(channel)]?.isAwaited == true
    }

    /// Takes a channel over from another server's ledger.
    mutating func adopt(_ moved: Moved, at now: UInt64) {
        guard !subscribe(moved.channel, at: now) else { return }
        let name = ByteName(moved.channel)
        guard var entry = entries[name] else { return }
        entry.isAwaited = moved.isAwaited
        entry.gapSince = moved.gapSince
        entries[name] = entry
    }

    /// A subscriber connection is ready: all channels must be subscribed on it.
    mutating func linkReady(at now: UInt64) {
        isLinked = true
        isAway = false
        arePatternsConfirmed = false
        refused = []
        unsent = Array(entries.keys)
        for name in unsent {
            guard var entry = entries[name], entry.confirmBy == nil else { continue }
            awaitConfirmation(&entry, name, until: now + confirmMilliseconds)
            entries[name] = entry
        }
    }

    /// The subscriber connection broke: no channel is confirmed any more.
    ///
    /// Waiting clients keep their deadlines.
    ///
    /// - Parameter heard: when something was last received on it; later messages may have been lost.
    mutating func linkLost(heardAt heard: UInt64) {
        isLinked = false
        arePatternsConfirmed = false
        unsent = []
        refused = []
        (leaving, leavingPatterns) = ([], [])
        (departing, wildcards) = ([], WildcardSet())
        confirmedCount = 0
        lateCount = 0
        entries = entries.mapValues { entry in
            var entry = entry
            if entry.phase == .confirmed, entry.lingerUntil == nil { entry.gapSince = heard }
            entry.phase = .unsent
            entry.isLate = false
            if !entry.isAwaited { entry.confirmBy = nil }
            return entry
        }
    }

    /// An attempt to reach Redis failed: until one succeeds, clients do not have to wait.
    ///
    /// - Returns: the channels that are ready because of this.
    mutating func redisAway(at now: UInt64) -> [String] {
        isAway = true
        return expireConfirmations(dueBy: .max, at: now)
    }

    /// The commands that bring Redis up to date, to be sent in this order; empty without a link.
    mutating func takeCommands() -> [SubscriptionCommand] {
        guard hasCommands else { return [] }
        var joining: [String] = []
        var joiningPatterns: [String] = []
        for name in unsent {
            // The same name may have been queued, given up and queued again.
            guard var entry = entries[name], entry.phase == .unsent else { continue }
            let redisNames = names.redisChannels(for: name.text)
            let missingPattern = names.areCovered(name.text) && !arePatternsConfirmed ? 1 : 0
            entry.phase = .requested(missingReplies: redisNames.count + missingPattern)
            entries[name] = entry
            if name.text.isWildcard { joiningPatterns += redisNames } else { joining += redisNames }
        }
        departing.formUnion(leaving.map { ByteName($0) })
        defer {
            unsent = []
            (leaving, leavingPatterns) = ([], [])
        }
        return names.batches(leaving).map { SubscriptionCommand(.unsubscribe, $0) }
            + names.batches(leavingPatterns).map { SubscriptionCommand(.unsubscribeWildcards, $0) }
            + names.batches(joining).map { SubscriptionCommand(.subscribe, $0) }
            + names.batches(joiningPatterns).map { SubscriptionCommand(.subscribeWildcards, $0) }
    }

    /// A new entry; nil if no Redis channel maps to this channel, so that there is nothing to wait for.
    private mutating func join(_ name: ByteName) -> Entry? {
        let isCovered = names.areCovered(name.text)
        let hasNames = !names.redisChannels(for: name.text).isEmpty
        guard hasNames || isCovered else { return nil }
        if !hasNames, arePatternsConfirmed {
            confirmedCount += 1
            return Entry(phase: .confirmed)
        }
        if isLinked { unsent.append(name) }
        return Entry()
    }

    private mutating func confirm(_ entry: inout Entry, _ name: ByteName, at now: UInt64) -> Confirmation {
        entry.phase = .confirmed
        if name.text.isWildcard, !names.areCovered(name.text) { wildcards.insert(name.text) }
        entry.confirmBy = nil
        confirmedCount += 1
        if entry.isLate { lateCount -= 1 }
        entry.isLate = false
        defer {
            entry.isAwaited = false
            entry.gapSince = nil
        }
        return Confirmation(
            channel: name.text, isSettled: entry.isAwaited, gapMilliseconds: entry.gapSince.map { now - $0 })
    }
}
