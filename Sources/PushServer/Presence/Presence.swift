internal import Bytes
internal import Channels
internal import Synchronization

/// Who is in the channels; shared by all loops.
final class Presence: Sendable {
    private let table: Mutex<PresenceTable>
    private let told = Mutex(PresenceCounts())

    /// - Parameters:
    ///   - node: the number of this process.
    ///   - isShared: whether other nodes want to know its members.
    init(node: UInt64, isShared: Bool) {
        table = Mutex(PresenceTable(node: node, isShared: isShared))
    }

    /// Enters a member whose connection watches the channel, and knows who is there.
    ///
    /// - Parameter limit: how many members the channel may have; nil for no limit.
    /// - Returns: the members, and the first change that is not in them; nil if there are so many already.
    func enterAndWatch(
        _ channel: ByteName, _ member: PresenceMember, below limit: Int?
    ) -> (PresenceList, PresenceStart)? {
        table.withLock { table in
            if let limit, table.count(channel) >= limit, !table.has(member, in: channel) { return nil }
            table.enter(channel, member)
            let start = table.watch(channel)
            return (table.list(channel), start)
        }
    }

    /// Watches a channel for a connection that is not in it.
    ///
    /// - Returns: how many members it has, and the first change after that.
    func countAndWatch(_ channel: ByteName) -> (Int, PresenceStart) {
        table.withLock { table in
            let start = table.watch(channel)
            return (table.count(channel), start)
        }
    }

    func enter(_ channel: ByteName, _ member: PresenceMember) { table.withLock { $0.enter(channel, member) } }

    func exit(_ channel: ByteName, _ member: PresenceMember, at now: UInt64, grace: UInt64) {
        table.withLock { $0.exit(channel, member, at: now, grace: grace) }
    }

    func watch(_ channel: ByteName) { table.withLock { _ = $0.watch(channel) } }

    func unwatch(_ channel: ByteName) { table.withLock { $0.unwatch(channel) } }

    func list(_ channel: String) -> PresenceList { table.withLock { $0.list(ByteName(channel)) } }

    func count(_ channel: String) -> Int { table.withLock { $0.count(ByteName(channel)) } }

    /// How many subscriptions a channel has on all nodes, as of the last tick.
    func subscriptions(of channel: ByteName) -> Int { table.withLock { $0.subscriptions.count(channel) } }

    /// How many subscriptions a channel has on other nodes.
    func subscriptions(of channel: String, besides node: UInt64) -> Int {
        table.withLock { $0.subscriptions.count(ByteName(channel), besides: node) }
    }

    /// The channels of other nodes, with their subscriptions.
    func channels(besides node: UInt64) -> [ByteName: Int] {
        table.withLock { $0.subscriptions.channels(besides: node) }
    }

    /// Changes the table in a way of the caller's.
    func update<Result: Sendable>(_ body: (inout PresenceTable) -> Result) -> Result { table.withLock { body(&$0) } }

    var memberCount: Int { table.withLock { $0.memberCount } }

    /// What watchers were told so far, and how many other nodes there are.
    var counts: PresenceCounts {
        get { told.withLock { $0 } }
        set { told.withLock { $0 = newValue } }
    }
}

/// What those who watch channels were told, once for all of them.
struct PresenceCounts: Sendable {
    var joins = 0
    var leaves = 0
    /// Batches that were too large, instead of which only a count was told.
    var summaries = 0
    /// Other nodes whose members are known.
    var nodes = 0
}
