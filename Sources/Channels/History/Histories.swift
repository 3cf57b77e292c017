internal import Bytes

/// The histories of a process' channels, within a budget of bytes.
///
/// Nothing here walks over all channels: what is too old is dropped some channels at a time, and room is made by
/// looking at a few. Not safe for several threads: the directory's lock protects it.
struct Histories: Sendable {
    /// How long the numbers of a channel without messages and subscribers are remembered.
    private static let memorySeconds: UInt64 = 3600
    /// Of so many channels, the one that was used least recently gives its messages up.
    private static let candidates = 8

    private struct Slot: Sendable {
        let name: ByteName
        var ring: HistoryRing

        var bytes: Int { HistoryRing.ownBytes + name.text.utf8.count + ring.bytes }
    }

    private let budgetBytes: Int
    private let maxBytesOfChannel: Int
    private let makeEpoch: @Sendable () -> String
    private var slots: [Slot] = []
    private var places: [ByteName: Int] = [:]
    /// Where the next sweep and the next search for room begin.
    private var sweepPlace = 0
    private var shedPlace = 0
    private(set) var counts = HistoryCounts()

    /// - Parameters:
    ///   - budgetBytes: the most bytes of all histories.
    ///   - maxBytesOfChannel: the most bytes of one.
    ///   - makeEpoch: makes a text that no earlier history had.
    init(budgetBytes: Int, maxBytesOfChannel: Int, makeEpoch: @escaping @Sendable () -> String) {
        self.budgetBytes = budgetBytes
        self.maxBytesOfChannel = maxBytesOfChannel
        self.makeEpoch = makeEpoch
    }

    /// Numbers a message, and keeps it.
    mutating func append(
        to channel: String, _ limits: HistoryLimits, at now: UInt64, _ make: (StreamPosition) -> Message
    ) -> Message {
        let place = place(of: channel, limits, at: now)
        let maxBytes = maxBytesOfChannel
        let message = change(place) { $0.append(limits, maxBytes: maxBytes, at: now, make) }
        makeRoom()
        return message
    }

    /// Keeps a message that was numbered elsewhere.
    ///
    /// - Returns: false if it was kept before.
    mutating func append(
        _ message: Message, at position: StreamPosition, _ limits: HistoryLimits, at now: UInt64
    ) -> Bool {
        let place = place(of: message.channel, limits, at: now)
        let maxBytes = maxBytesOfChannel
        let isNew = change(place) { $0.append(message, at: position, limits, maxBytes: maxBytes, at: now) }
        makeRoom()
        return isNew
    }

    /// Begins a channel's history anew, behind a position that comes from elsewhere.
    mutating func restart(_ channel: String, at position: StreamPosition, _ limits: HistoryLimits, at now: UInt64) {
        let place = place(of: channel, limits, at: now)
        change(place) { $0.restart(at: position) }
        makeRoom()
    }

    /// Reads a channel's history; one that has none yet begins.
    mutating func read(
        _ channel: String, _ limits: HistoryLimits, _ request: HistoryRequest, at now: UInt64
    ) -> HistoryReading {
        let place = place(of: channel, limits, at: now)
        let reading = change(place) { $0.read(request, at: now) }
        makeRoom()
        return reading
    }

    /// Drops a channel's messages; its numbers go on.
    mutating func clear(_ channel: String) {
        guard let place = places[ByteName(channel)] else { return }
        change(place) { $0.dropAll() }
    }

    /// Looks at some channels: drops messages that are too old, and forgets channels that were not used for long.
    ///
    /// - Parameter isWanted: whether a channel has subscribers; its numbers are not forgotten then.
    mutating func sweep(_ count: Int, at now: UInt64, isWanted: (ByteName) -> Bool) {
        let forgottenBefore = now - min(now, Histories.memorySeconds * 1_000_000_000)
        for _ in 0..<min(count, slots.count) {
            if sweepPlace >= slots.count { sweepPlace = 0 }
            change(sweepPlace) { $0.dropOld(at: now) }
            let slot = slots[sweepPlace]
            if slot.ring.messageCount == 0, slot.ring.lastUsedNanoseconds < forgottenBefore, !isWanted(slot.name) {
                forget(sweepPlace)  // another channel moves here, and is the next
            } else {
                sweepPlace += 1
            }
        }
    }

    // MARK: - Room

    /// Keeps the budget: channels that were not used for long lose their messages first, then their numbers.
    private mutating func makeRoom() {
        while counts.bytes > budgetBytes {
            let place = nextVictim()
            guard slots[place].ring.messageCount == 0 else {
                counts.shedMessages += slots[place].ring.messageCount
                change(place) { $0.dropAll() }
                continue
            }
            // Few channels without messages need little, and the newest of them is in use.
            guard slots.count > Histories.candidates else { return }
            forget(place)
        }
    }

    /// Of the next few channels, the one that gives way: one with messages before others, then the least recently used.
    private mutating func nextVictim() -> Int {
        var best = shedPlace
        for _ in 0..<min(Histories.candidates, slots.count) {
            shedPlace = shedPlace + 1 < slots.count ? shedPlace + 1 : 0
            if best >= slots.count || slots[shedPlace].ring.yieldsBefore(slots[best].ring) { best = shedPlace }
        }
        return best
    }

    // MARK: - Slots

    private mutating func place(of channel: String, _ limits: HistoryLimits, at now: UInt64) -> Int {
        let name = ByteName(channel)
        if let place = places[name] { return place }
        let slot = Slot(name: name, ring: HistoryRing(epoch: makeEpoch(), limits: limits, at: now))
        counts.bytes += slot.bytes
        counts.channels += 1
        places[name] = slots.count
        slots.append(slot)
        return slots.count - 1
    }

    /// Removes a channel in constant time: the last one moves to its place.
    private mutating func forget(_ place: Int) {
        let slot = slots[place]
        counts.bytes -= slot.bytes
        counts.messages -= slot.ring.messageCount
        counts.channels -= 1
        places[slot.name] = nil
        let last = slots.removeLast()
        guard place < slots.count else { return }
        slots[place] = last
        places[last.name] = place
    }

    /// Changes a ring in place, and counts the difference.
    @discardableResult
    private mutating func change<Result>(_ place: Int, _ body: (inout HistoryRing) -> Result) -> Result {
        let (bytes, messages) = (slots[place].ring.bytes, slots[place].ring.messageCount)
        let result = body(&slots[place].ring)
        counts.bytes += slots[place].ring.bytes - bytes
        counts.messages += slots[place].ring.messageCount - messages
        return result
    }
}

/// What the histories of a process hold.
public struct HistoryCounts: Equatable, Sendable {
    /// Channels that have a history.
    public var channels = 0
    /// Messages that are kept.
    public var messages = 0
    /// The bytes of all histories.
    public var bytes = 0
    /// Messages that were dropped because the histories were over their budget.
    public var shedMessages = 0

    /// No histories.
    public init() {}
}
