/// A connection as the hub sees it: 32 bytes in an array, found by its slot.
struct Subscriber {
    /// A place in a channel's subscriber list.
    struct Membership {
        static let none = UInt32.max
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

    /// The transport's name for the connection, its descriptor; negative in a free slot.
    var link: Int32
    var form = WireForm()
    private var flags: Flags = []
    /// The first membership is kept in place: most subscribers have one.
    var first = Membership(channel: Membership.none, position: 0)
    var others: [Membership] = []
    /// Only a connection that could not take everything, or has replies to get, owns one.
    var outbox: Outbox?

    init(link: Int32) { self.link = link }

    /// The kernel takes no more for now; the outbox waits for room.
    var isBlocked: Bool {
        get { flags[.blocked] }
        set { flags[.blocked] = newValue }
    }

    /// On the list of outboxes to be written at the end of the turn.
    var isMarked: Bool {
        get { flags[.marked] }
        set { flags[.marked] = newValue }
    }

    /// Given up: gets no more messages.
    var isLost: Bool {
        get { flags[.lost] }
        set { flags[.lost] = newValue }
    }

    /// Given up, and nobody has taken the event that says so.
    var hasUnreportedLoss: Bool {
        get { flags[.unreportedLoss] }
        set { flags[.unreportedLoss] = newValue }
    }

    var channelCount: Int { first.channel == Membership.none ? 0 : 1 + others.count }

    /// Nothing waits and no other channel writes to it: it is sent the batch that all subscribers share.
    var isDirect: Bool { outbox == nil && others.isEmpty && !isLost }

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
        // An array keeps its memory when it is emptied; an idle connection should own none.
        if others.isEmpty { others = [] }
    }
}
