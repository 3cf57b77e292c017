internal import Bytes
internal import DequeModule

/// A command on a subscriber link.
struct SubscriptionCommand: Equatable {
    enum Kind { case subscribe, unsubscribe, subscribeWildcards, unsubscribeWildcards, subscribePatterns, ping }

    let kind: Kind
    let names: [String]

    init(_ kind: Kind, _ names: [String]) {
        (self.kind, self.names) = (kind, names)
    }

    /// The command in Redis' form.
    func command(_ pubSub: ClusterPubSub) -> RedisCommand {
        let shard = pubSub == .sharded ? "S" : ""
        return switch kind {
        case .subscribe: RedisCommand("\(shard)SUBSCRIBE", names)
        case .unsubscribe: RedisCommand("\(shard)UNSUBSCRIBE", names)
        case .subscribeWildcards, .subscribePatterns: RedisCommand("PSUBSCRIBE", names)
        case .unsubscribeWildcards: RedisCommand("PUNSUBSCRIBE", names)
        case .ping: RedisCommand("PING", [String]())
        }
    }
}

/// The commands on a subscriber link that Redis has not answered completely, in order.
///
/// Redis sends a reply for each name, or one error for the whole command.
struct OutstandingCommands {
    private var commands = Deque<SubscriptionCommand>()
    private var answeredNames = 0

    mutating func append(_ command: SubscriptionCommand) {
        commands.append(command)
    }

    /// Redis answered for one name; returns false if that was not asked for, so that Redis sent it unasked.
    mutating func answered(_ kind: SubscriptionCommand.Kind, _ name: RawSpan) -> Bool {
        guard let first = commands.first, first.kind == kind, ByteName(first.names[answeredNames]).hasBytes(name)
        else { return false }
        answeredNames += 1
        if answeredNames == first.names.count { next() }
        return true
    }

    /// Redis answered a command with an error, and has executed none of it.
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
