/// The hub's record of a connection: 32 bytes in an array, found by its slot.
struct Subscriber {
    /// A position in a channel's list of subscribers.
    struct Membership {
        static let none = UInt32.max
        /// The position of one that is not in the list, as a wildcard brings it the messages.
        static let covered = UInt32.max
        var channel: UInt32
        var position: UInt32
    }

    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let blocked = Flags(rawValue: 1)
        static let marked = Flags(rawValue: 2)
        static let lost = Flags(rawValue: 4)
        static let unreportedLoss = Flags(rawValue: 8)

        subscript(flag: Flags) -> Bool {
            get { contains(flag) }
            set { if newValue { insert(flag) } else { remove(flag) } }
        }
    }

    /// The transport's id of the connection, its descriptor; negative in a free slot.
    var link: Int32
    var form = WireForm()
    private var flags: Flags = []
    /// The first membership is stored inline, because most subscribers have only one.
    var first = Membership(channel: Membership.none, position: 0)
    var others: [Membership] = []
    /// Exists only for a connection that could not accept everything, or has replies queued.
    var outbox: Outbox?

    init(link: Int32) { self.link = link }

    /// The kernel accepts nothing for now; the outbox waits for room.
    var isBlocked: Bool {
        get { flags[.blocked] }
        set { flags[.blocked] = newValue }
    }

    /// In the list of outboxes to write at the end of the turn.
    var isMarked: Bool {
        get { flags[.marked] }
        set { flags[.marked] = newValue }
    }

    /// The hub has given it up; it gets no more messages.
    var isLost: Bool {
        get { flags[.lost] }
        set { flags[.lost] = newValue }
    }

    /// The hub has given it up, and the event that says so was not taken yet.
    var hasUnreportedLoss: Bool {
        get { flags[.unreportedLoss] }
        set { flags[.unreportedLoss] = newValue }
    }

    var channelCount: Int { first.channel == Membership.none ? 0 : 1 + others.count }

    /// Nothing is queued and it has only one channel: it is sent the batch that all subscribers share.
    var isDirect: Bool { outbox == nil && others.isEmpty && !isLost }

    /// Bytes of replies in the outbox.
    var queuedReplyBytes: Int { outbox.map { $0.queuedBytes - $0.queuedMessageBytes } ?? 0 }

    mutating func add(_ membership: Membership) {
        if first.channel == Membership.none { first = membership } else { others.append(membership) }
    }

    var lastChannel: UInt32? { others.last?.channel ?? (first.channel == Membership.none ? nil : first.channel) }

    var channels: [UInt32] { first.channel == Membership.none ? [] : [first.channel] + others.map(\.channel) }

    func position(in channel: UInt32) -> UInt32? {
        if first.channel == channel { return first.position }
        return others.first { $0.channel == channel }?.position
    }

    mutating func move(in channel: UInt32, to position: UInt32) {
        if first.channel == channel {
            first.position = position
        } else if let index = others.firstIndex(where: { $0.channel == channel }) {
            others[index].position = position
        }
    }

    mutating func remove(from channel: UInt32) {
        if first.channel == channel {
            first = others.popLast() ?? Membership(channel: Membership.none, position: 0)
        } else if let index = others.firstIndex(where: { $0.channel == channel }) {
            others.swapAt(index, others.count - 1)
            others.removeLast()
        }
        // An empty array keeps its memory, but an idle connection should own none.
        if others.isEmpty { others = [] }
    }
}
