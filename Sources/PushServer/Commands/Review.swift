internal import Channels
internal import WSLoop

/// What a reload has taken from connections.
struct ReviewCounts: Sendable {
    /// Subscriptions that were ended.
    var unsubscribed = 0
    /// Connections that are closed.
    var closed = 0

    mutating func add(_ other: ReviewCounts) {
        unsubscribed += other.unsubscribed
        closed += other.closed
    }
}

/// Looks at all connections and channels of a loop after its settings were replaced, a slice in each turn.
///
/// Whatever comes after the settings is judged by them at once; this is about what was allowed before.
final class Review {
    /// A step is a connection or a channel; a connection with many channels is as many.
    private static let stepsPerTurn = 1000

    private let context: LoopContext
    private let table: ConnectionTable
    private let lives: ConnectionLives
    private let commands: CommandRunner
    /// The settings by which all connections are allowed what they have; nil while there is nothing to look at.
    private var old: LiveSettings?
    private var nextSlot = 0
    private var nextChannel = 0
    private var counts = ReviewCounts()

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner) {
        self.context = context
        table = connections.table
        lives = connections.lives
        self.commands = commands
    }

    /// Begins; the node gives no other settings before all loops have finished.
    func begin(after settings: LiveSettings) {
        old = settings
        (nextSlot, nextChannel) = (0, 0)
        run()
    }

    /// Looks at a slice.
    func run() {
        guard let old else { return }
        var left = Review.stepsPerTurn
        while left > 0, nextChannel < context.hub.channels.indexEnd {
            context.hub.channels.refreshPolicy(at: nextChannel)
            nextChannel += 1
            left -= 1
        }
        while left > 0, nextSlot < table.slotCount {
            if let connection = table[UInt32(nextSlot)] { left -= review(connection, since: old) }
            nextSlot += 1
            left -= 1
        }
        guard nextChannel >= context.hub.channels.indexEnd, nextSlot >= table.slotCount else {
            return context.post(.review)
        }
        self.old = nil
        context.tellNode(.reviewed(counts))
        counts = ReviewCounts()
    }

    /// - Returns: how many channels were looked at.
    private func review(_ connection: Connection, since old: LiveSettings) -> Int {
        lives.tell(.timesChanged, connection)
        let channels = context.hub.channelCount(of: connection.slot)
        counts.add(commands.review(connection, since: old))
        return channels
    }
}

@available(*, unavailable)
extension Review: Sendable {}
