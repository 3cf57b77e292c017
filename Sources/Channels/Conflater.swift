internal import Bytes
internal import DequeModule

/// Holds messages of channels that send only their newest ones at intervals (`Message.intervalNanoseconds`).
///
/// The first message after a pause passes. Until the interval that it begins is over, the newest message of each key is
/// held; then these are due, in the order in which they came, and the next interval begins. So nothing is reordered,
/// only left out. It has no clock: times are in nanoseconds on that of `Message.receivedNanoseconds`.
struct Conflater {
    /// A message that is due.
    struct Due {
        let message: Message
        /// Subscribers that have joined after it was published.
        let joined: [UInt32]
    }

    /// The interval of a channel.
    private struct Window {
        /// In the order in which they came; nil where a newer one has replaced a message.
        var held: [Message?] = []
        /// The place of each key's message.
        var places: [ByteName?: Int] = [:]
        /// Who has joined when so many messages had come, in that order.
        var joined: [(slot: UInt32, place: Int)] = []

        /// Holds a message; returns the one that it replaces.
        mutating func hold(_ message: Message) -> Message? {
            let replaced = places.updateValue(held.count, forKey: message.key.map { ByteName($0) })
            held.append(message)
            return replaced.flatMap { held[$0].take() }
        }

        /// Whether most places are empty, so that `held` is to be made shorter.
        var isSparse: Bool { held.count > 2 * places.count + 64 }

        mutating func compact() {
            let kept = held.indices.filter { held[$0] != nil }
            var place = 0
            for index in joined.indices {
                while place < kept.count, kept[place] < joined[index].place { place += 1 }
                joined[index].place = place
            }
            held = kept.map { held[$0] }
            for (place, message) in held.enumerated() { places[message?.key.map { ByteName($0) }] = place }
        }

        var due: [Due] {
            var later = joined[...]
            var due: [Due] = []
            for (place, message) in held.enumerated() {
                guard let message else { continue }
                later = later.drop { $0.place <= place }
                due.append(Due(message: message, joined: later.map(\.slot)))
            }
            return due
        }
    }

    /// The most bytes that are held; beyond them messages are due at once.
    private static let maxBytes = 64 << 20

    private var windows: [ByteName: Window] = [:]
    /// For each length of an interval the windows in the order of their ends; some may be gone.
    private var ends: [UInt64: Deque<(end: UInt64, channel: ByteName)>] = [:]
    private var heldBytes = 0

    /// Whether nothing is held, and every message passes.
    var isEmpty: Bool { windows.isEmpty }

    /// Holds a message if its channel's interval is not over.
    ///
    /// - Returns: whether it is held, and how many messages it has replaced.
    mutating func hold(_ message: Message, at now: UInt64) -> (isHeld: Bool, replaced: Int) {
        let channel = ByteName(message.channel)
        guard windows[channel] != nil else {
            open(channel, interval: message.intervalNanoseconds, at: now)
            return (false, 0)
        }
        let replaced = windows[channel]?.hold(message) ?? nil
        heldBytes += message.payload.count - (replaced?.payload.count ?? 0)
        if windows[channel]?.isSparse == true { windows[channel]?.compact() }
        return (true, replaced == nil ? 0 : 1)
    }

    /// A subscriber has joined a channel: what is held came before.
    mutating func joined(_ slot: UInt32, _ channel: String) {
        guard !windows.isEmpty, let place = windows[ByteName(channel)]?.held.count, place > 0 else { return }
        windows[ByteName(channel)]?.joined.append((slot, place))
    }

    /// When messages are due or intervals end; nil if there are none.
    var nextEnd: UInt64? { heldBytes > Conflater.maxBytes ? 0 : ends.values.compactMap { $0.first?.end }.min() }

    /// Takes the messages that are due.
    mutating func takeDue(at now: UInt64) -> [Due] {
        let limit = heldBytes > Conflater.maxBytes ? UInt64.max : now
        var due: [Due] = []
        for interval in Array(ends.keys) {
            while let first = ends[interval]?.first, first.end <= limit {
                _ = ends[interval]?.popFirst()
                due += close(first.channel, at: now)
            }
            if ends[interval]?.isEmpty == true { ends[interval] = nil }
        }
        return due
    }

    private mutating func open(_ channel: ByteName, interval: UInt64, at now: UInt64) {
        windows[channel] = Window()
        ends[interval, default: []].append((now + interval, channel))
    }

    /// Ends a channel's interval; another one begins if something is due.
    private mutating func close(_ channel: ByteName, at now: UInt64) -> [Due] {
        guard let window = windows.removeValue(forKey: channel) else { return [] }
        let due = window.due
        guard let last = due.last else { return [] }
        heldBytes -= due.reduce(0) { $0 + $1.message.payload.count }
        open(channel, interval: last.message.intervalNanoseconds, at: now)
        return due
    }
}
