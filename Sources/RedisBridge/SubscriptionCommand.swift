internal import Bytes
internal import DequeModule

/// What goes out on a subscriber link.
struct SubscriptionCommand: Equatable {
    enum Kind { case subscribe, unsubscribe, subscribePatterns, ping }

    let kind: Kind
    let names: [String]

    init(_ kind: Kind, _ names: [String]) {
        (self.kind, self.names) = (kind, names)
    }

    /// As Redis reads it.
    func command(_ pubSub: ClusterPubSub) -> RedisCommand {
        let shard = pubSub == .sharded ? "S" : ""
        return switch kind {
        case .subscribe: RedisCommand("\(shard)SUBSCRIBE", names)
        case .unsubscribe: RedisCommand("\(shard)UNSUBSCRIBE", names)
        case .subscribePatterns: RedisCommand("PSUBSCRIBE", names)
        case .ping: RedisCommand("PING", [String]())
        }
    }
}

/// The commands of a subscriber link that Redis has not answered in full, in the order of sending: a reply for each name,
/// or one error for all.
struct OutstandingCommands {
    private var commands = Deque<SubscriptionCommand>()
    private var answeredNames = 0

    mutating func append(_ command: SubscriptionCommand) {
        commands.append(command)
    }

    /// Redis has answered for one name; false if it was not asked for that, so that it speaks of its own accord.
    mutating func answered(_ kind: SubscriptionCommand.Kind, _ name: RawSpan) -> Bool {
        guard let first = commands.first, first.kind == kind, ByteName(first.names[answeredNames]).hasBytes(name)
        else { return false }
        answeredNames += 1
        if answeredNames == first.names.count { next() }
        return true
    }

    /// Redis has answered a command with an error: it has done nothing of it.
    mutating func refused() -> SubscriptionCommand? {
        defer { next() }
        return commands.first
    }

    mutating func removeAll() {
        self = OutstandingCommands()
    }

    private mutating func next() {
        _ = commands.popFirst()
        answeredNames = 0
    }
}
